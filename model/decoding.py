"""Decoding: fill a stem level by level, with a bias to the front (paper, Eq. 1).

At each step a candidate is sampled for every open position and ranked by
w_c * confidence + w_s * (1 - n / N) + w_r * X, X uniform; the best stay, the rest open again.

Inferred: the cosine keep-schedule; the confidence is the candidate's probability in the guided
distribution; kept tokens stay kept; X is drawn afresh at every step.

Departure: w_s and w_c are meant for the paper's 128 steps and grow as the steps of a level get
fewer, so that the order in which frames are filled stays as much from front to back.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from model.network import MASK
from model.request import DecodeSettings

Finer = Callable[[Tensor, Tensor, float, Tensor], Tensor]
"""(positions [n], their tokens of level 1 [n], temperature, uniform draws [Q - 1, n]) -> their
finer tokens [Q - 1, n]."""
Told = Callable[[Tensor, int, Tensor], tuple[Tensor, Finer]]
"""(tokens [Q, T], level, open positions [n]) -> guided log-probabilities [n, vocabulary], and how
the finer levels of some of these positions are told."""

FINER_TEMPERATURE = 0.5
"""Temperature of the finer levels where they are told in depth, as a share of the first level's.
Much of what they hold is noise that nobody could foretell, and at 1 a stem is as noisy again: from
the truth it is 2.86 dB away in log-mel spectrum at 1 and 2.74 dB at 0.5 (3.93 dB with tokens drawn
at random)."""

PAPER_STEPS = 128
"""Decode steps of the paper's first level, which its weights w_s and w_c were chosen for."""
STEPS_EXPONENT = 0.82
"""How the weights grow as steps get fewer. Every step draws X anew, so many steps average it out
and few do not: at w_s = 0.1 the rank correlation of fill order with position is 0.80 at 128 steps,
0.51 at 32 and 0.22 at 8. With this exponent it is within 0.05 of 0.80 from 128 steps down to 4
(simulated, 400 frames; the exponent that fits best is 0.75 to 0.88)."""


class Cancelled(Exception):
    """The decoding was cancelled; it has no result."""


def still_open(total: int, step: int, steps: int) -> int:
    """Positions left open after `step` (from 1) of `steps` steps: the cosine schedule.

    At least one position is kept at each step, and none is open after the last.
    """
    if step >= steps:
        return 0
    return min(math.floor(total * math.cos(math.pi / 2 * step / steps)), total - step)


def bias_scale(steps: int) -> float:
    """What w_s and w_c are multiplied by in a level of so many decode steps: 1 at 128."""
    return (PAPER_STEPS / steps) ** STEPS_EXPONENT


def rank(
    confidence: Tensor,
    position: Tensor,
    total: int,
    steps: int,
    settings: DecodeSettings,
    noise: Tensor,
) -> Tensor:
    """The ranking of candidates (Eq. 1): higher stays.

    Args:
        confidence: probability of each candidate [n], 0..1.
        position: its frame, counted from the first frame to be filled [n], 0..total-1.
        total: frames to be filled, N.
        steps: decode steps of the level.
        noise: X, uniform on 0..1 [n].
    """
    biased = settings.confidence * confidence + settings.causal_bias * (1.0 - position / total)
    return bias_scale(steps) * biased + settings.randomness * noise


def sample(log_probabilities: Tensor, temperature: float, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """One candidate a position, by inversion of the cumulative distribution.

    Args:
        log_probabilities: [n, vocabulary].
        uniform: one draw on 0..1 a position [n]; the only randomness, so that a seed decides.

    Returns:
        candidates [n] and their probabilities [n].
    """
    probabilities = torch.softmax(log_probabilities / temperature, -1)
    cumulative = probabilities.cumsum(-1)
    total = cumulative[:, -1:].contiguous()
    target = uniform[:, None].to(cumulative) * total
    # The first whose sum is beyond the target, so that none of probability 0 is drawn where the
    # target is a sum exactly; nor behind the total, which rounding may take the target to.
    chosen = torch.searchsorted(cumulative, target, right=True)
    chosen = chosen.minimum(torch.searchsorted(cumulative, total))
    chosen = chosen.clamp(max=probabilities.shape[-1] - 1)  # NaN is beyond everything
    return chosen[:, 0], probabilities.gather(1, chosen)[:, 0]


class TokenDecoding:
    """One stem being decoded, a step at a time.

    Not thread-safe: whoever steps it calls everything else between steps.
    """

    def __init__(
        self,
        prefix: Tensor,
        frames: int,
        settings: DecodeSettings,
        seed: int,
        told: Told,
    ):
        """
        Args:
            prefix: tokens that are given [Q, prefix_frames].
            frames: length of the window.
            told: the guided network.
        """
        self._levels, self._first = prefix.shape
        self._total = frames - self._first
        self._settings = settings
        self._told = told
        # Drawn on the CPU whatever the device, so that a seed means the same everywhere.
        self._generator = torch.Generator().manual_seed(seed)
        self.tokens = torch.full(
            (self._levels, frames), MASK, dtype=torch.long, device=prefix.device
        )
        self.tokens[:, : self._first] = prefix
        self._steps = [min(steps, self._total) for steps in settings.steps]
        self._level, self._step, self._done = 0, 0, 0
        self._cancelled = False

    @property
    def finished(self) -> bool:
        """True when every position is filled, or the decoding was cancelled."""
        return self._cancelled or self._level >= len(self._steps)

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0..1."""
        return 1.0 if self._level >= len(self._steps) else self._done / sum(self._steps)

    def finish(self) -> None:
        """Fill what is open of each level in one more step a level."""
        if self.finished:
            return
        self._steps[self._level] = self._step + 1
        for level in range(self._level + 1, len(self._steps)):
            self._steps[level] = 1

    def cancel(self) -> None:
        """Stop; there will be no result."""
        self._cancelled = True

    @property
    def steps_done(self) -> int:
        """Decode steps taken so far, over all levels."""
        return self._done

    def step(self) -> bool:
        """Do one step; True while there is more to do.

        Raises:
            ValueError: the network gave NaN.
        """
        if self.finished:
            return False
        return self.fill(*self._told(self.tokens, *self.open))

    @property
    def open(self) -> tuple[int, Tensor]:
        """What the next step fills: the level and the positions [n] that are still open in it."""
        return self._level, (self.tokens[self._level] == MASK).nonzero()[:, 0]

    @torch.no_grad()
    def fill(self, guided: Tensor, finer: Finer) -> bool:
        """Do one step with what is told of what is `open`.

        Args:
            guided: log-probabilities [n, vocabulary].
            finer: see `Told`.

        Returns:
            True while there is more to do.

        Raises:
            ValueError: they are NaN.
        """
        level, positions = self.open
        draws = torch.rand(2, len(positions), generator=self._generator).to(guided.device)
        candidates, confidence = sample(guided, self._settings.temperature, draws[0])
        if not bool(torch.isfinite(confidence).all()):
            raise ValueError("the network gave NaN; valid: finite numbers")
        self._step += 1
        self._done += 1
        left = still_open(self._total, self._step, self._steps[level])
        keep = max(1, len(positions) - left)
        ranking = rank(
            confidence,
            positions - self._first,
            self._total,
            self._steps[level],
            self._settings,
            draws[1],
        )
        # Stable, so that of equal ranks the front stays on every processor.
        best = ranking.sort(descending=True, stable=True).indices[:keep]
        self._keep(level, positions[best], candidates[best], finer)
        if self._step >= self._steps[level]:
            self._level, self._step = level + 1, 0
        return not self.finished

    def _keep(self, level: int, positions: Tensor, tokens: Tensor, _: Finer) -> None:
        self.tokens[level, positions] = tokens

    def result(self) -> Tensor:
        """Tokens [Q, frames] of the finished stem.

        Raises:
            Cancelled: it was cancelled.
            RuntimeError: it is not finished.
        """
        if self._cancelled:
            raise Cancelled("the decoding was cancelled")
        if not self.finished:
            raise RuntimeError(f"the decoding is at {self.progress:.0%}; valid: finished")
        return self.tokens


class FrameDecoding(TokenDecoding):
    """The same of a network that tells finer levels in depth: frames are filled at all levels.

    The steps are those of the first level; there are no others.
    """

    def __init__(
        self, prefix: Tensor, frames: int, settings: DecodeSettings, seed: int, told: Told
    ):
        """See `TokenDecoding`."""
        super().__init__(prefix, frames, settings, seed, told)
        self._steps = self._steps[:1]

    def _keep(self, level: int, positions: Tensor, tokens: Tensor, finer: Finer) -> None:
        super()._keep(level, positions, tokens, finer)
        draws = torch.rand(self._levels - 1, len(positions), generator=self._generator)
        temperature = FINER_TEMPERATURE * self._settings.temperature
        self.tokens[1:, positions] = finer(positions, tokens, temperature, draws.to(tokens.device))
