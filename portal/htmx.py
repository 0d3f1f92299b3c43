"""What htmx 4 tells about a request; htmx-flask reads the headers of htmx 1 and 2.

htmx 4 says `HX-Request-Type: partial` when it will swap the answer into a
page, and `full` when the answer becomes the page.
"""

from __future__ import annotations

from flask import Flask
from htmx_flask import Htmx, HtmxAwareRequest


class PortalRequest(HtmxAwareRequest):  # type: ignore[misc]
    """A request that knows whether a part of a page is wanted."""

    @property
    def wants_part(self) -> bool:
        kind: str = self.headers.get("HX-Request-Type", "partial" if self.htmx else "")
        return kind == "partial"


def install(app: Flask) -> None:
    """htmx-flask first, then our request class: it would overwrite ours."""
    Htmx(app)
    app.request_class = PortalRequest
