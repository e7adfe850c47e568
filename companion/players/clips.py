"""A player's clips by bar, at the device's rate: what can be heard again, at any tempo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from model.grid import FRAME_RATE, HOP, SAMPLE_RATE

KEPT_BARS = 40
"""Bars kept behind the newest: two of the longest cycles and a plan."""
_MARGIN_FRAMES = 2


@dataclass(frozen=True, slots=True, eq=False)
class BarClip:
    """One bar of a stem, at the tempo that it was planned at.

    Attributes:
        audio: float32 [samples of the bar], device rate.
        lines: where in `audio` its beats start, and its end.
        lead_in: float32 [n], the same music right before the bar, to cross-fade with.
        epoch: of the plan it comes from.
        plan_bar: which bar of the plan it is, from 0; grows when it is repeated.
        ready_samples: stream sample at which it was there.
        laid: stream samples of its beats' lines and its end, where it was laid; none before.
    """

    audio: NDArray[np.float32]
    lines: tuple[int, ...]
    lead_in: NDArray[np.float32]
    epoch: int
    plan_bar: int
    ready_samples: int
    laid: tuple[int, ...] = ()


class ClipShelf:
    """The clips that are on the timeline or were, by bar."""

    def __init__(self) -> None:
        """Empty."""
        self._clips: dict[int, BarClip] = {}

    def get(self, bar: int) -> BarClip | None:
        """The clip of a bar, None if there is none."""
        return self._clips.get(bar)

    @property
    def end_bar(self) -> int:
        """The bar after the last that has a clip; 0 if none has."""
        return max(self._clips, default=-1) + 1

    def first_of(self, bar: int) -> int | None:
        """The first bar of those up to `bar` that are of one plan; None if `bar` has no clip."""
        if bar not in self._clips:
            return None
        while bar - 1 in self._clips and self._clips[bar - 1].epoch == self._clips[bar].epoch:
            bar -= 1
        return bar

    def put(self, bar: int, clip: BarClip) -> None:
        """Keep a clip; those far behind it are forgotten."""
        self._clips[bar] = clip
        for old in [b for b in self._clips if b < bar - KEPT_BARS]:
            del self._clips[old]

    def clear_from(self, bar: int) -> None:
        """Forget the clips of `bar` and all after it."""
        for later in [b for b in self._clips if b >= bar]:
            del self._clips[later]

    def source(self, bar: int, cycle: int, before: int | None = None) -> int | None:
        """The bar to repeat in `bar`'s place: the latest a number of cycles earlier.

        Where there is none in phase with the cycle, the last one before `bar`; None if none is.
        With `before` only bars before that one count. If those have been dropped from the shelf,
        the bars that repeated them count.
        """
        earlier = [b for b in self._clips if b < bar]
        if before is not None and bar - KEPT_BARS + cycle <= before:
            earlier = [b for b in earlier if b < before] or earlier
        in_phase = [b for b in earlier if (bar - b) % cycle == 0]
        return max(in_phase or earlier, default=None)


def to_device_rate(audio: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """A decoded window [frames * 640] at 32 kHz -> [frames * rate / 50] at the device's rate."""
    if rate == SAMPLE_RATE:
        return audio
    margin = np.zeros(_MARGIN_FRAMES * HOP, np.float32)
    resampled = soxr.resample(
        np.concatenate([margin, audio, margin]), SAMPLE_RATE, rate, quality="HQ"
    )
    start = _MARGIN_FRAMES * (rate // FRAME_RATE)
    samples: NDArray[np.float32] = resampled[start : start + len(audio) // HOP * rate // FRAME_RATE]
    return samples
