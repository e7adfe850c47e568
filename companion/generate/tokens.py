"""A player's own tokens on the global frame grid: what it has played and what it is about to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.grid import LEVELS

CAPACITY_FRAMES = 16384
"""Frames kept, 328 s: all the bars that a clip shelf keeps, at 40 BPM."""


class TokenGrid:
    """Tokens by global frame; where none were ever written, silence."""

    def __init__(self, silence: NDArray[np.int16]) -> None:
        """`silence` is int16 [4, n], what silence is in tokens; repeated where more is asked."""
        self._silence = silence
        self._tokens = np.zeros((LEVELS, CAPACITY_FRAMES), np.int16)
        self._frame = np.full(CAPACITY_FRAMES, np.iinfo(np.int64).min)  # which frame each slot has

    def read(self, first_frame: int, frames: int) -> NDArray[np.int16]:
        """Tokens int16 [4, frames] from a global frame on."""
        wanted = np.arange(first_frame, first_frame + frames)
        slots = wanted % CAPACITY_FRAMES
        return np.where(self._frame[slots] == wanted, self._tokens[:, slots], self.silence(frames))

    def write(self, first_frame: int, tokens: NDArray[np.int16]) -> None:
        """Commit tokens [4, frames] from a global frame on, over what was there."""
        frames = np.arange(first_frame, first_frame + tokens.shape[1])
        slots = frames % CAPACITY_FRAMES
        self._tokens[:, slots] = tokens
        self._frame[slots] = frames

    def silence(self, frames: int) -> NDArray[np.int16]:
        """Tokens of silence, int16 [4, frames]."""
        return np.resize(self._silence.T, (frames, LEVELS)).T
