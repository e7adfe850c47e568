"""What an instrument sounds like, whatever it plays: so that a bass stays the same bass.

A departure from the paper, which knows instruments by their class alone. Means and spreads of the
codec's entries over a few seconds tell timbre, and hardly which notes were played. They can be had
from any recording of an instrument.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.grid import HOP

REFERENCE_FRAMES = 256
"""How much of a recording is listened to in training: 5 s."""


SOUNDING = 10 ** (-50 / 20)
"""RMS above which a frame counts as sounding (-50 dBFS)."""


def sounding_frames(audio: np.ndarray) -> np.ndarray:
    """Which frames of audio [..., samples], 32 kHz, sound: bool [..., samples // 640]."""
    frames = audio.shape[-1] // HOP
    blocks = audio[..., : frames * HOP].reshape(*audio.shape[:-1], frames, HOP)
    return np.sqrt((blocks**2).mean(-1)) > SOUNDING


def sound_width(levels: int, code_width: int) -> int:
    """Numbers that tell a sound."""
    return 2 * levels * code_width


def sound_of(codebooks: Tensor, tokens: Tensor, sounding: Tensor) -> Tensor:
    """What a recording of one instrument sounds like.

    Args:
        codebooks: entries of every level [Q, V, code_width].
        tokens: of the recording [B, Q, T].
        sounding: bool [B, T], which frames count; where none does the sound is all zeros.

    Returns:
        mean and standard deviation of each level's entries [B, 2 * Q * code_width].
    """
    weight = sounding.float()[:, None, :, None]
    weight = weight / weight.sum(2, keepdim=True).clamp(min=1.0)
    levels = torch.arange(len(codebooks), device=codebooks.device)
    entries = codebooks[levels[None, :, None], tokens]
    mean = (entries * weight).sum(2)
    spread = ((entries - mean[:, :, None]).square() * weight).sum(2).sqrt()
    return torch.cat([mean.flatten(1), spread.flatten(1)], -1)
