"""What came of a replay: which stems are the same to the sample, and why not, as far as known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from companion.take.events import Event, TakeEnded, TakeStarted
from companion.take.machine import differences, machine


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a stem first differs from the recorded one."""

    time_s: float  # into the take
    bar: int  # in which that is
    size: float  # of the difference there, linear


@dataclass(slots=True)
class Replayed:
    """What came of it."""

    plans: int = 0  # that were made again
    seconds: float = 0.0  # length of the take
    # by player; none for a stem that is the same to the sample
    differences: dict[str, Difference | None] = field(default_factory=dict)
    # what else did not turn out as it did live, a line each
    notes: list[str] = field(default_factory=list)
    reason: str = ""  # why it may not be the same, and what would be valid; empty where it is

    @property
    def identical(self) -> bool:
        """Whether every stem is the recorded one, to the sample."""
        return not any(self.differences.values())


def why_not(take: TakeStarted, events: Sequence[Event]) -> str:
    """Why a take may not replay as it was, as far as its events tell, and what would be valid."""
    if not take.machine:
        return (
            "it was played by an older companion, which did not write down its machine; valid: "
            "the companion, the machine and the versions that it was played with"
        )
    apart = differences(take.machine, machine())
    if apart:
        return (
            f"it was played with {'; '.join(apart)}; valid: the processor and the versions that it "
            "was played with"
        )
    ends = [event.figures for event in events if isinstance(event, TakeEnded)]
    lost = sum(figures.get("unrecorded_samples", 0) for figures in ends)
    if lost:
        return (
            f"{lost:g} of its samples came too late to be recorded, and silence stands in their "
            "place; valid: a take from a disk that keeps up"
        )
    return (
        "processor, versions and weights are those that it was played with, so the companion is at "
        "fault; valid: a report of it, with the take's folder"
    )
