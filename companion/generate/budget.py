"""What a plan may cost: decode steps and guidance passes, so that it is ready with slack.

Of what is wished for, a plan gets the most that is expected to be ready; see `effort` for the order
in which it does without, and `latency` for what is expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from companion.generate.effort import Effort, hurried, ladder
from companion.generate.latency import Latency, Work
from companion.generate.stem_worker import Pace

SLACK_S = 0.1
SLACK_SHARE = 0.1
"""A plan is to be ready this long before its deadline, and a tenth of what it takes."""
PATIENCE = 5.0
LEAST_PATIENCE_S = 3.0
"""A generator is replaced when it has been silent for five times as long as it should be at most,
and for at least 3 s. One that is only held up would be away for longer if it were replaced."""
SIGNS_S = 0.2
"""A plan counts as stalled when its last message of progress is older than this."""
LATELY_S = 0.5
"""The recent speed of a plan is measured over at least this long."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One stem of a plan, as the player's knobs have it."""

    frames: int  # length of the window
    new_frames: int  # how many of its frames are to be filled
    effort: Effort  # what is wished for


@dataclass(frozen=True, slots=True)
class Spending:
    """What a plan is made with."""

    efforts: tuple[Effort, ...]  # of each stem
    expected_s: float  # seconds that it takes, slack included


class Budget:
    """Chooses; `latency` may be None where plans take no time."""

    def __init__(self, latency: Latency | None) -> None:
        self._latency = latency

    def needs_s(self, wishes: Sequence[Wish], efforts: Sequence[Effort], now_s: float) -> float:
        """Seconds to allow a plan that is made so: what it takes, and slack."""
        if self._latency is None:
            return 0.0
        expected_s = self._latency.plan_s(_works(wishes, efforts), now_s)
        return expected_s * (1.0 + SLACK_SHARE) + SLACK_S

    def all_s(self, wishes: Sequence[Wish], now_s: float) -> float:
        """Seconds to allow all that is wished for."""
        return self.needs_s(wishes, [wish.effort for wish in wishes], now_s)

    def least_s(self, wishes: Sequence[Wish], now_s: float) -> float:
        """Seconds to allow the least that a plan can be made with."""
        *_, least = ladder([wish.effort for wish in wishes])
        return self.needs_s(wishes, least, now_s)

    def spend(self, wishes: Sequence[Wish], available_s: float, now_s: float) -> Spending:
        """The most that is ready in `available_s`, or the least there is if nothing is."""
        efforts: tuple[Effort, ...] = ()
        needs_s = 0.0
        for efforts in ladder([wish.effort for wish in wishes]):
            needs_s = self.needs_s(wishes, efforts, now_s)
            if needs_s <= available_s:
                break
        return Spending(efforts, needs_s)

    def finish_s(self, wishes: Sequence[Wish], spending: Spending, now_s: float) -> float:
        """Seconds that a plan still needs when it is told to finish at once."""
        if self._latency is None:
            return 0.0
        works = _works(wishes, [hurried(effort) for effort in spending.efforts])
        stages_s = self._latency.stages_s(works, now_s)
        return (stages_s["tokens"] + stages_s["audio"]) * (1.0 + SLACK_SHARE)

    def slowness(
        self, wishes: Sequence[Wish], spending: Spending, pace: Pace, asked_s: float
    ) -> float:
        """How many times slower a plan comes along than was expected when it was asked for, from 1.

        The more of what it is on the whole and what it was lately: a machine that has just slowed
        down is noticed within a second.
        """
        if self._latency is None:
            return 1.0
        works = _works(wishes, spending.efforts)
        stages_s = self._latency.stages_s(works, asked_s)
        last_s, done = pace.heard[-1] if pace.heard else (0.0, 0.0)
        soon = min(1.0, done + 2.0 / max(1, *(work.steps for work in works)))
        ratios = [1.0, pace.elapsed_s / (stages_s["encode"] + stages_s["tokens"] * soon + SIGNS_S)]
        earlier = [sign for sign in pace.heard if last_s - sign[0] >= LATELY_S and sign[1] < done]
        if earlier:
            then_s, then = earlier[-1]
            ratios.append((last_s - then_s) / max(1e-3, stages_s["tokens"] * (done - then)))
        return max(ratios)

    def patience_s(self, wishes: Sequence[Wish], spending: Spending, now_s: float) -> float:
        """Seconds that a generator may be silent while it makes this plan."""
        if self._latency is None:
            return LEAST_PATIENCE_S
        works = _works(wishes, spending.efforts)
        stages_s = self._latency.stages_s(works, now_s)
        steps = max(work.steps for work in works)
        longest_s = max(stages_s["encode"], stages_s["tokens"] / steps, stages_s["audio"])
        return max(LEAST_PATIENCE_S, PATIENCE * longest_s)


def _works(wishes: Sequence[Wish], efforts: Sequence[Effort]) -> list[Work]:
    return [
        Work.of(wish.frames, wish.new_frames, effort)
        for wish, effort in zip(wishes, efforts, strict=True)
    ]
