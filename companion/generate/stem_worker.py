"""What the session sees of a worker, be it in the background or where it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from companion.generate.protocol import Ready
from model.request import StemRequest, StemResult

START_TIMEOUT_S = 180.0
"""How long a generator may take to load and warm up."""

Outcome = Literal["done", "failed", "superseded", "cancelled"]


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The end of a plan.

    Attributes:
        player, plan: as submitted.
        outcome: "done", or why there is no result.
        result: the stem, if done.
        reason: one line for the log, if not done.
        waited_s: seconds between submission and start (or end, if never started).
        made_s: seconds the generator took, as it says itself; 0 if not done.
    """

    player: int
    plan: int
    outcome: Outcome
    result: StemResult | None
    reason: str
    waited_s: float
    made_s: float


class StemWorker(Protocol):
    """What the session sees: the background worker, or the one that works where it is called."""

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """What the generator can do, once it is warm; CompanionError if it never will be."""
        ...

    def submit(self, player: int, plan: int, request: StemRequest) -> None:
        """Have a plan made; it takes the place of one of the same player that still waits."""
        ...

    def set_guidance(self, player: int, values: Mapping[str, float]) -> None:
        """Lean differently from the next decode step of the player's plans on; ValueError."""
        ...

    def finish(self, player: int) -> None:
        """Hurry the player's plan that is being made, if any: one pass a level for the rest."""
        ...

    def cancel(self, player: int) -> None:
        """Give up the player's plans, waiting or being made."""
        ...

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """Plans that ended since the last call, in order; waits for the first up to the timeout."""
        ...

    def close(self) -> None:
        """End the generator; plans not made are reported as cancelled. Again does nothing."""
        ...
