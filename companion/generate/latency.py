"""How long a plan takes: what the machine did lately, scaled by the work in the plan.

Work is counted stage by stage: frames to hear, decode steps, frames through the network, frames to
sound. The warm-up says what each takes on an idle machine; every plan that comes back says how many
times slower it was. What is expected is the 95th percentile of that, where what was measured
2.5 s ago counts half: a machine that is slow now is believed at once, one that was slow a quarter
of a minute ago is forgiven.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from companion.generate.effort import Effort

HALF_LIFE_S = 2.5
PERCENTILE = 0.95
KEPT = 32
STEP_SHARE = 0.2
"""Share of a step of the warm-up that does not depend on the number of guidance passes."""
UNTRIED = 1.15
"""Until the first plan has been timed it is taken to be this much slower than the warm-up, which
ran alone."""
LONG_WAIT_S = 1.0
"""A plan that waited longer waited for a generator that was replaced, which says nothing."""
STAGES = ("encode", "tokens", "audio")


@dataclass(frozen=True, slots=True)
class Work:
    """One stem of a plan, in numbers."""

    frames: int  # length of its window
    new_frames: int  # how many of them are to be filled
    steps: int  # decode steps of all levels
    passes: int  # passes through the network, over all steps

    @classmethod
    def of(cls, frames: int, new_frames: int, effort: Effort) -> Work:
        """The work of a stem that is made so."""
        steps = sum(min(steps, new_frames) for steps in effort.steps)
        return cls(frames, new_frames, steps, steps * effort.passes)


class Recent:
    """A quantity as it was lately: its 95th percentile, what is newer counting more."""

    def __init__(self, value: float, now_s: float) -> None:
        """Start from a first measurement."""
        self._measured: deque[tuple[float, float]] = deque([(now_s, value)], KEPT)

    def record(self, value: float, now_s: float) -> None:
        """It was so large just now."""
        self._measured.append((now_s, value))

    def high(self, now_s: float) -> float:
        """What it hardly ever exceeds."""
        weighted = [
            (value, 0.5 ** (max(0.0, now_s - at_s) / HALF_LIFE_S)) for at_s, value in self._measured
        ]
        if all(weight == 0.0 for _, weight in weighted):  # long ago, all of it
            return max(self._measured)[1]
        total = math.fsum(weight for _, weight in weighted)
        below = 0.0
        for value, weight in sorted(weighted):
            below += weight
            if below >= PERCENTILE * total:
                return value
        return max(value for value, _ in weighted)


class Latency:
    """The model; see the module. Times are seconds of whatever clock the caller hands in."""

    def __init__(self, typical: Work, timings_s: Mapping[str, float], now_s: float = 0.0) -> None:
        """Start from the warm-up.

        Args:
            typical: the plan that was made, one stem with two passes a step.
            timings_s: seconds of its stages, as in `StemResult.timings`; without any, `made`. And
                what it takes to get there and back, `carried`, where that is far away.
            now_s: when.
        """
        stages = stages_of(timings_s) or {"tokens": timings_s.get("made", 0.0)}
        tokens_s = stages.get("tokens", 0.0)
        self._encode_s = stages.get("encode", 0.0) / typical.frames
        self._audio_s = stages.get("audio", 0.0) / typical.frames
        self._step_s = STEP_SHARE * tokens_s / max(1, typical.steps)
        frames = typical.passes * typical.new_frames + typical.frames * _passes_a_step(typical)
        self._frame_s = (1.0 - STEP_SHARE) * tokens_s / max(1, frames)
        self._slowness = {stage: Recent(UNTRIED, now_s) for stage in STAGES}
        self._untried = set(STAGES)
        self._overhead_s = Recent(timings_s.get("carried", 0.0), now_s)

    def stages_s(self, works: Sequence[Work], now_s: float) -> dict[str, float]:
        """Seconds to expect of each stage of a plan, all its stems together."""
        return {
            stage: seconds * self._slowness[stage].high(now_s)
            for stage, seconds in self._idle_s(works).items()
        }

    def plan_s(self, works: Sequence[Work], now_s: float) -> float:
        """Seconds to expect of a plan, from its submission until it is there."""
        return sum(self.stages_s(works, now_s).values()) + self._overhead_s.high(now_s)

    def record(
        self,
        works: Sequence[Work],
        timings_s: Mapping[str, float],
        took_s: float,
        waited_s: float,
        now_s: float,
    ) -> None:
        """Learn from a plan that came back.

        Args:
            works: what was done in it.
            timings_s: seconds of its stages, all stems together; empty if they are not known.
            took_s: seconds from its submission until it was there.
            waited_s: seconds of them before it was begun.
            now_s: when.
        """
        idle_s = self._idle_s(works)
        taken_s = stages_of(timings_s)
        if not taken_s:
            slowness = max(0.0, took_s - waited_s) / max(1e-3, sum(idle_s.values()))
            taken_s = {stage: slowness * seconds for stage, seconds in idle_s.items()}
        for stage, seconds in taken_s.items():
            if idle_s[stage] > 0.0 and stage in self._untried:
                self._untried.remove(stage)
                self._slowness[stage] = Recent(seconds / idle_s[stage], now_s)
            elif idle_s[stage] > 0.0:
                self._slowness[stage].record(seconds / idle_s[stage], now_s)
        if waited_s <= LONG_WAIT_S:
            self._overhead_s.record(max(0.0, took_s - sum(taken_s.values())), now_s)

    def _idle_s(self, works: Sequence[Work]) -> dict[str, float]:
        frames = sum(work.frames for work in works)
        steps = max((work.steps for work in works), default=0)  # all stems take them together
        filled = sum(
            work.passes * work.new_frames + _passes_a_step(work) * work.frames for work in works
        )
        return {
            "encode": self._encode_s * frames,
            "tokens": self._step_s * steps + self._frame_s * filled,
            "audio": self._audio_s * frames,
        }


def stages_of(timings_s: Mapping[str, float]) -> dict[str, float]:
    """The seconds of a stem's stages as this model has them; none if they are not told."""
    if "decode_tokens" not in timings_s:
        return {}
    return {
        "encode": timings_s.get("encode", 0.0),
        "tokens": timings_s.get("read_prefix", 0.0) + timings_s["decode_tokens"],
        "audio": timings_s.get("decode_audio", 0.0),
    }


def _passes_a_step(work: Work) -> float:
    return work.passes / max(1, work.steps)
