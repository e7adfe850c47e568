"""What was measured, in seconds, MB and billions of operations (GFLOP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something takes: seconds that 50, 95 and 99 of 100 stay below."""

    p50: float
    p95: float
    p99: float
    measured: int  # how often

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Of at least one measurement."""
        p50, p95, p99 = np.percentile(seconds, (50, 95, 99)).tolist()
        return cls(p50, p95, p99, len(seconds))


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of some players, made together as a session asks for them."""

    players: int
    plan_s: Spread  # from asking until the stems are there
    encode_s: Spread  # of one stem; what was heard before is not encoded again
    tokens_s: Spread  # of one stem: reading its prefix, and all decode steps
    audio_s: Spread  # of one stem: tokens to sound


@dataclass(frozen=True, slots=True)
class Processor:
    """What computes."""

    name: str
    cores: int
    features: tuple[str, ...]  # of avx2, avx512 and bfloat16, those that it has


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What one player's plan computes: matrix products and convolutions, GFLOP."""

    begin: float  # encoding what is new of what is heard, and reading the prefix
    steps: float  # all decode steps
    audio: float  # tokens to sound
    # GFLOP a second that a large matrix product reaches with as many threads, by precision
    peak: Mapping[str, float]
    precision: str  # that of the network here

    @property
    def plan(self) -> float:
        """All of it."""
        return self.begin + self.steps + self.audio

    def share(self, gflop: float, seconds: float) -> float:
        """Share of the peak at which so much is done in so long."""
        return gflop / seconds / self.peak[self.precision]


@dataclass(frozen=True, slots=True)
class Carried:
    """Players that this machine carries with so many decode steps (the knob), up to a tempo."""

    players: int
    steps: int
    bpm: int


@dataclass(frozen=True, slots=True)
class Bench:
    """What this machine can do."""

    processor: Processor
    device: str  # that the generator computes on
    threads: int  # processor threads it computes with; 0 where that has no meaning
    bpm: float  # at which plans were asked for
    meter: str
    steps: tuple[int, ...]  # decode steps of a plan: of each level, or of whole frames
    passes: int  # through the network, a step
    ready_s: float  # from its start until the generator is warm
    first_plan_s: float  # from its start until the first plan is there
    memory_mb: float | None  # of the generator's process at most; None where it is not told
    step_s: Spread  # one decode step of one player
    plans: tuple[Plans, ...]
    arithmetic: Arithmetic
    # with all the steps of the knob; with as many as it takes at `bpm`, where that is faster
    carried: tuple[Carried, ...]
