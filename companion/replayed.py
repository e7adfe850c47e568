"""What came of a replay: which stems are the same to the sample, and if not, why as far as known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from companion.take.machine import differences, machine


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a stem first differs from the recorded one.

    Attributes:
        time_s: into the take.
        bar: in which that is.
        size: of the difference there, linear.
    """

    time_s: float
    bar: int
    size: float


@dataclass(slots=True)
class Replayed:
    """What came of it.

    Attributes:
        plans: that were made again.
        seconds: length of the take.
        differences: by player; none for a stem that is the same to the sample.
        notes: what else did not turn out as it did live, a line each.
    """

    plans: int = 0
    seconds: float = 0.0
    differences: dict[str, Difference | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether every stem is the recorded one, to the sample."""
        return not any(self.differences.values())
