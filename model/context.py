"""The live mix as the network hears it: brought to level, then encoded, but only what is new.

A plan's window overlaps the window of the plan before it, and players may hear the same. A frame's
tokens depend on the audio around it only, so those whose surroundings are as they were in one of
the last few windows are kept. They are the same as if the whole window had been encoded, but for
entries that are equally near to the last digit: what was heard before decides how long it takes,
not what comes out.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from model.checkpoint import LoadedCodec
from model.grid import HOP

CONTEXT_LEVEL = 0.1
"""RMS that a context is brought to before it is encoded (-20 dBFS), as in training."""
LEVEL_STEP_DB = 1.5
"""Gains are multiples of this, so that a window rarely has another gain than the one before."""
KEPT_WINDOWS = 8
"""Two plans of four players."""


def context_gain(audio: Tensor) -> float:
    """What brings audio [samples] to the level that contexts have in training; 1 for silence."""
    rms = float(audio.square().mean().sqrt()) if audio.shape[-1] else 0.0
    if rms <= 1e-4:
        return 1.0
    step = 10 ** (LEVEL_STEP_DB / 20)
    return step ** round(math.log(CONTEXT_LEVEL / rms, step))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A window that was encoded: frames [first, first + T) of the grid."""

    first: int
    blocks: Tensor
    """Its audio, after its gain [T, 640]."""
    tokens: Tensor
    """[Q, T]."""


class ContextEncoder:
    """Audio of successive windows to tokens; called from one thread."""

    def __init__(self, codec: LoadedCodec):
        self._codec = codec
        self._kept: deque[_Kept] = deque(maxlen=KEPT_WINDOWS)  # the newest first
        self.encoded_frames = 0
        """Frames that went through the codec so far, run-in included."""

    def encode(self, audio: Tensor, first_frame: int) -> Tensor:
        """Tokens [Q, T] of a window's audio [T * 640], 32 kHz, at its level.

        Args:
            first_frame: where the window lies on the grid that all windows share.
        """
        blocks = audio.reshape(-1, HOP)
        reach = self._codec.reach_frames
        if reach is None:  # every frame depends on all others: nothing can be kept
            reach = 0
            self._kept.clear()
        new = torch.ones(len(blocks), dtype=torch.bool, device=audio.device)
        tokens = torch.zeros(self._codec.levels, len(blocks), dtype=torch.long, device=audio.device)
        for kept in self._kept:
            found = new & _unchanged(kept, blocks, first_frame, reach)
            old = found.nonzero()[:, 0]
            tokens[:, old] = kept.tokens[:, old + first_frame - kept.first]
            new &= ~found
        for start, end in _stretches(new, 2 * reach):
            before, after = max(0, start - reach), min(len(blocks), end + reach)
            # In full precision: bfloat16 products round differently in windows of another length.
            encoded = self._codec.encode(blocks[before:after].reshape(1, -1))[0]
            tokens[:, start:end] = encoded[:, start - before : end - before]
            self.encoded_frames += after - before
        # The caller may write to his.
        self._kept.appendleft(_Kept(first_frame, blocks.clone(), tokens))
        return tokens


def _unchanged(kept: _Kept, blocks: Tensor, first_frame: int, reach: int) -> Tensor:
    """Frames [T] whose audio, and that of `reach` frames on either side, is as it was kept.

    Not those at the edges of either window: there the encoder saw silence in place of music.
    """
    frames = len(blocks)
    same = torch.zeros(frames, dtype=torch.bool, device=blocks.device)
    start = max(first_frame, kept.first)
    end = min(first_frame + frames, kept.first + len(kept.blocks))
    if end > start:
        own = blocks[start - first_frame : end - first_frame]
        before = kept.blocks[start - kept.first : end - kept.first]
        same[start - first_frame : end - first_frame] = (own == before).all(1)
    around = 2 * reach + 1
    unchanged = torch.zeros_like(same)
    if frames >= around:
        unchanged[reach : frames - reach] = same.unfold(0, around, 1).all(1)
    return unchanged


def _stretches(chosen: Tensor, bridge: int) -> list[tuple[int, int]]:
    """Runs [start, end) of the chosen frames [T]; gaps of at most `bridge` frames are bridged."""
    runs: list[tuple[int, int]] = []
    for frame in chosen.nonzero()[:, 0].tolist():
        if runs and frame - runs[-1][1] <= bridge:
            runs[-1] = runs[-1][0], frame + 1
        else:
            runs.append((frame, frame + 1))
    return runs
