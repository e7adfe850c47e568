"""What a stream tells of its device, which may be lost and come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to the device.

    Attributes:
        what: it is "lost", or "back", or its "latency" is known.
        detail: one line for people.
        position: absolute frame.
        seconds: how long it was away, when it is back; else 0.
        off_s: how far behind the line it left its sound is, when it is back; else 0.
        notable: whether its latency is not as it was, or not as sure as it could be.
    """

    what: Literal["lost", "back", "latency"]
    detail: str
    position: int
    seconds: float = 0.0
    off_s: float = 0.0
    notable: bool = False


@runtime_checkable
class Losable(Protocol):
    """A stream whose device may be lost and come back, while the memory moves on."""

    @property
    def away(self) -> bool:
        """Whether the device is lost now."""
        ...

    def drain(self) -> list[News]:
        """What happened since the last call."""
        ...
