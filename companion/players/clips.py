"""What a player plays: clips by bar, to be heard again at any tempo, and frames on the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import soxr
from numpy.typing import NDArray

from model.grid import FRAME_RATE, HOP, SAMPLE_RATE

KEPT_BARS = 40
"""Bars kept behind the newest: two of the longest cycles and a plan."""
CAPACITY_FRAMES = 4096
"""Frames kept, 82 s: more than a window and the longest cycle at a middling tempo."""
_MARGIN_FRAMES = 2
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class BarClip:
    """One bar of a stem, at the tempo that it was planned at."""

    audio: NDArray[np.float32]  # float32 [samples of the bar], device rate
    lines: tuple[int, ...]  # where in `audio` its beats start, and its end
    # float32 [n], the same music right before the bar, to cross-fade with
    lead_in: NDArray[np.float32]
    epoch: int  # of the plan it comes from
    plan_bar: int  # which bar of the plan it is, from 0; grows when it is repeated
    ready_samples: int  # stream sample at which it was there
    # stream samples of its beats' lines and its end, where it was laid; none before
    laid: tuple[int, ...] = ()


class ClipShelf(dict[int, BarClip]):
    """The clips that are on the timeline or were, by bar."""

    @property
    def end_bar(self) -> int:
        """The bar after the last that has a clip; 0 if none has."""
        return max(self, default=-1) + 1

    def first_of(self, bar: int) -> int | None:
        """The first bar of those up to `bar` that are of one plan; None if `bar` has no clip."""
        if bar not in self:
            return None
        while bar - 1 in self and self[bar - 1].epoch == self[bar].epoch:
            bar -= 1
        return bar

    def put(self, bar: int, clip: BarClip) -> None:
        """Keep a clip; those far behind it are forgotten."""
        self[bar] = clip
        for old in [b for b in self if b < bar - KEPT_BARS]:
            del self[old]

    def clear_from(self, bar: int) -> None:
        """Forget the clips of `bar` and all after it."""
        for later in [b for b in self if b >= bar]:
            del self[later]

    def source(self, bar: int, cycle: int, before: int | None = None) -> int | None:
        """The bar to repeat in `bar`'s place: the latest a number of cycles earlier.

        Where there is none in phase with the cycle, the last one before `bar`; None if none is.
        With `before` only bars before that one count. If those have been dropped from the shelf,
        the bars that repeated them count.
        """
        earlier = [b for b in self if b < bar]
        if before is not None and bar - KEPT_BARS + cycle <= before:
            earlier = [b for b in earlier if b < before] or earlier
        in_phase = [b for b in earlier if (bar - b) % cycle == 0]
        return max(in_phase or earlier, default=None)


class FrameGrid(Generic[Kind]):
    """Columns of numbers by global frame, tokens or samples; where none were written, silence."""

    def __init__(self, silence: NDArray[Kind]) -> None:
        """`silence` is [rows, n], what silence is; repeated where more is asked."""
        self._silence = silence
        self._rows = silence.shape[0]
        self._kept = np.zeros((self._rows, CAPACITY_FRAMES), silence.dtype)
        self._frame = np.full(CAPACITY_FRAMES, np.iinfo(np.int64).min)  # which frame each slot has

    def read(self, first_frame: int, frames: int) -> NDArray[Kind]:
        """The columns [rows, frames] from a global frame on."""
        wanted = np.arange(first_frame, first_frame + frames)
        slots = wanted % CAPACITY_FRAMES
        return np.where(self._frame[slots] == wanted, self._kept[:, slots], self.silence(frames))

    def write(self, first_frame: int, columns: NDArray[Kind]) -> None:
        """Commit columns [rows, frames] from a global frame on, over what was there."""
        frames = np.arange(first_frame, first_frame + columns.shape[1])
        slots = frames % CAPACITY_FRAMES
        self._kept[:, slots] = columns
        self._frame[slots] = frames

    def silence(self, frames: int) -> NDArray[Kind]:
        """Columns of silence [rows, frames]."""
        return np.resize(self._silence.T, (frames, self._rows)).T


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
