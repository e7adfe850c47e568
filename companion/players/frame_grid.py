"""What a player has played and is about to, frame by frame on the global grid."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

CAPACITY_FRAMES = 4096
"""Frames kept, 82 s: more than a window and the longest cycle at a middling tempo."""
Kind = TypeVar("Kind", bound=np.generic)


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
