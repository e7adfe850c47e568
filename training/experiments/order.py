"""In which order frames are filled: how far from front to back."""

from __future__ import annotations

import torch
from scipy.stats import spearmanr
from torch import Tensor

from model.decoding import Finer, TokenDecoding
from model.generator import StemDecoding
from model.grid import LEVELS
from model.network import MASK
from model.request import DecodeSettings

FRAMES = 400
"""Of a simulated window, about 8 s."""
SIMULATIONS = 8


def front_to_back(decoding: StemDecoding | TokenDecoding) -> float:
    """The rank correlation of a level's frames with the steps that fill them; 1: front to back.

    Steps to the end of the first level are taken here, 0 where one step fills all of it.
    """
    level = decoding.tokens if isinstance(decoding, StemDecoding) else decoding
    at, opened = level.open
    filled = torch.zeros(int(opened.max()) + 1)
    step, left = 0, opened
    while not level.finished and level.open[0] == at:
        decoding.step()
        step += 1
        still = (level.tokens[at] == MASK).nonzero()[:, 0]
        filled[left[~torch.isin(left, still)]] = step
        left = still
    if step == 1:
        return 0.0
    return float(spearmanr(opened.numpy(), filled[opened].numpy()).statistic)


def simulated(decode: DecodeSettings) -> float:
    """`front_to_back` where every candidate is as likely as any other, by the real decoding."""

    def told(_tokens: Tensor, _level: int, positions: Tensor) -> tuple[Tensor, Finer]:
        return torch.zeros(len(positions), 2), _no_finer

    prefix = torch.zeros(LEVELS, 0, dtype=torch.long)
    found = [
        front_to_back(TokenDecoding(prefix, FRAMES, decode, seed, told))
        for seed in range(SIMULATIONS)
    ]
    return sum(found) / len(found)


def _no_finer(_at: Tensor, _tokens: Tensor, _temperature: float, _draws: Tensor) -> Tensor:
    raise AssertionError("finer levels are decoded as levels here")
