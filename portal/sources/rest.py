"""Municipal JSON systems, described in the configuration: expressions say where each word stands.

Expressions are JMESPath, compiled at start. `person` finds whom the answer is
about; when it is mapped and names somebody else, nothing is believed; an item about
somebody else is dropped. An answer
in which no list can be found is a failure, never "nothing".
"""

from __future__ import annotations

from typing import Any

from portal.settings import SourceConfig
from portal.sources import Delivery, SourceFailure
from portal.sources.http import Http, expect_ok
from portal.sources.json_in import decode
from portal.sources.marks import Marks
from portal.sources.question import Question
from portal.sources.rest_mapping import Mapping, mapping_of, search
from portal.sources.rest_records import Asked, Trouble, records, somebody_else


class RestSource:
    """One JSON system."""

    def __init__(self, config: SourceConfig, marks: Marks) -> None:
        """Raises ConfigError."""
        self.config = config
        self._marks = marks
        self._question = Question(config)
        self.mapping: Mapping = mapping_of(config)

    async def fetch(self, value: str, http: Http) -> Delivery:
        """Raises SourceFailure."""
        reply = await self._question.ask(value, http, "application/json")
        if reply.status == 204:
            return Delivery(entries=())
        document = decode(expect_ok(reply))
        self._check_person(document, value)
        return self._delivery(document, value)

    def _delivery(self, document: Any, value: str) -> Delivery:
        asked = Asked(value, self.config, self._marks)
        sections = [records(section, document, asked) for section in self.mapping.sections]
        if all(s is None for s in sections):
            raise SourceFailure("unexpected shape")
        told = [t for s in sections for t in s or ()]
        found = [t for t in told if not isinstance(t, Trouble)]
        partial = bool(search(self.mapping.partial, document)) or len(found) < len(told)
        strangers = Trouble.STRANGER in told
        delivery = Delivery.of(found, partial=partial, strangers=strangers)
        if strangers and not delivery.entries:
            raise SourceFailure("wrong person")
        return delivery

    def _check_person(self, document: Any, value: str) -> None:
        """Mapped, it must be there: an answer about nobody in particular is not believed."""
        if self.mapping.person is None:
            return
        said = search(self.mapping.person, document)
        if said is None or somebody_else(said, value):
            raise SourceFailure("wrong person")
