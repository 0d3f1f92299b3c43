"""Municipal JSON systems, described in the configuration: expressions say where each word stands.

Expressions are JMESPath, compiled at start. `person` finds whom the answer is
about; when it is mapped and names somebody else, nothing is believed; an item about
somebody else is dropped. An answer
in which no list can be found is a failure, never "nothing".
"""

from __future__ import annotations

from typing import Any

from portal.records import AnyEntry, Hole
from portal.settings import SourceConfig
from portal.sources import Delivery, SourceFailure
from portal.sources.http import Http, expect_ok
from portal.sources.json_in import decode
from portal.sources.marks import Marks
from portal.sources.question import Question
from portal.sources.rest_mapping import Mapping, mapping_of, search
from portal.sources.rest_records import records

MOST_ITEMS = 1000


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
        found: list[AnyEntry | Hole] = []
        partial = bool(search(self.mapping.partial, document))
        answered = strangers = False
        for section in self.mapping.sections:
            items = search(section.items, document)
            if items is None:
                continue
            if not isinstance(items, list):
                raise SourceFailure("unexpected shape")
            answered = True
            partial |= len(items) > MOST_ITEMS
            for n, item in enumerate(items[:MOST_ITEMS]):
                if _somebody_else(search(section.person, item), value):
                    strangers = partial = True
                    continue
                found += records(section, item, str(n), self.config, self._marks)
        if not answered:
            raise SourceFailure("unexpected shape")
        delivery = Delivery.of(found, partial=partial, strangers=strangers)
        if strangers and not delivery.entries:
            raise SourceFailure("wrong person")
        return delivery

    def _check_person(self, document: Any, value: str) -> None:
        """Mapped, it must be there: an answer about nobody in particular is not believed."""
        if self.mapping.person is None:
            return
        said = search(self.mapping.person, document)
        if said is None or _somebody_else(said, value):
            raise SourceFailure("wrong person")


def _somebody_else(said: Any, value: str) -> bool:
    named = said if isinstance(said, list) else [] if said is None else [said]
    return any(_plain(n) != _plain(value) for n in named)


def _plain(value: Any) -> str:
    """CPR numbers are written with and without the hyphen."""
    return str(value).replace("-", "").strip().lower()
