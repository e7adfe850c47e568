"""Who may come in: the page itself, from a machine that was told the way.

A page of somebody else's, open in the same browser, must not turn a knob. It could try through a
name of its own that suddenly means this machine, or by opening a WebSocket across: the first is
seen by the name that is asked for (Host), the second by where the asking page is from (Origin).
On the network everybody needs the token as well.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from companion.stage.place import Place, reached_by

TOKEN_BYTES = 12


@dataclass(frozen=True, slots=True)
class Door:
    """Knows the names that the page is asked for by, and its token; empty where none is needed."""

    place: Place
    names: tuple[str, ...]  # the best one for others first
    token: str

    @property
    def url(self) -> str:
        """What opens the page."""
        shown = Place(self.names[0], self.place.port).written
        return f"http://{shown}/" + (f"?token={self.token}" if self.token else "")

    def refusal(self, headers: Mapping[str, str], token: str) -> str:
        """Why who asks may not come in, one line; empty if they may.

        Args:
            headers: of the request, by names in lower case.
            token: that it brings.
        """
        if not self._is_ours(f"http://{headers.get('host', '')}"):
            return f"unknown host; valid: {self.url.split('?')[0]}"
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(origin):
            return "the asking page is another's"
        if self.token and not hmac.compare_digest(token.encode(), self.token.encode()):
            return "the token is missing or wrong; valid: the whole address that the terminal shows"
        return ""

    def _is_ours(self, origin: str) -> bool:
        try:
            asked = urlsplit(origin)
            port = 80 if asked.port is None else asked.port
        except ValueError:
            return False
        names = {name.lower() for name in self.names}
        return asked.scheme == "http" and asked.hostname in names and port == self.place.port


def door_to(place: Place) -> Door:
    """The door of a place where the page is served now; a new token each time."""
    token = secrets.token_urlsafe(TOKEN_BYTES) if place.is_open else ""
    return Door(place, reached_by(place), token)
