"""What the session sees of a worker, be it in the background or where it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from companion.generate.protocol import Ready
from model.request import StemRequest, StemResult

START_TIMEOUT_S = 180.0
"""How long a generator may take to load and warm up."""

PATIENCE_S = 10.0
"""How long a generator may give no sign of life while it makes a plan, unless told otherwise."""

Outcome = Literal["done", "failed", "superseded", "cancelled"]


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The end of a plan."""

    plan: int  # its number, as submitted
    outcome: Outcome  # "done", or why there is no result
    # if done, what was asked for, in that order; in place of a stem that failed, why
    stems: tuple[StemResult | str, ...]
    reason: str  # one line for the log, if not done
    waited_s: float  # seconds between submission and start (or end, if never started)
    made_s: float  # seconds the generator took, as it says itself; 0 if not done


@dataclass(frozen=True, slots=True)
class Pace:
    """How a plan comes along."""

    elapsed_s: float  # seconds since it was begun
    # the last signs of life: seconds from its beginning, share of its steps done, 0..1
    heard: tuple[tuple[float, float], ...] = ()


class StemWorker(Protocol):
    """Has plans made, in the background or where it is called.

    Where they are made at once there is nothing to `finish`, to `cancel` or to tell the `pace` of.
    """

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """What the generator can do, once it is warm; CompanionError if it never will be."""
        ...

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        """Have a plan made, all its stems together; it takes the place of one that still waits.

        A generator that gives no sign of life for `patience_s` while making it is replaced.
        """
        ...

    def finish(self, plan: int) -> None:
        """Hurry the plan if it is being made: one pass a level for the rest."""
        return

    def cancel(self, plan: int) -> None:
        """Give up the plan if it waits or is being made."""
        return

    def pace(self, plan: int) -> Pace | None:
        """How the plan comes along; None if it is not being made, or that cannot be told."""
        return None

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """Plans that ended since the last call, in order; waits for the first up to the timeout."""
        ...

    def close(self) -> None:
        """End the generator; plans not made are reported as cancelled. Again does nothing."""
        ...
