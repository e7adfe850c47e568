"""What it costs to make one stem: seconds of one core, and arithmetic."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from model.autoregressive import AutoregressiveNetwork
from model.decoding import FrameDecoding, TokenDecoding
from model.device import autocast
from model.generator import GuidedNetwork
from model.network import StemNetwork
from model.request import DecodeSettings
from model.sources import Sources
from model.terms import Term

TIMES = 3
"""How often the seconds are taken; the least counts, since whatever else runs can only add."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one stem.

    Attributes:
        passes: through the network.
        cpu_s: seconds of one core.
        gflop: thousand million floating-point operations, of matrix products.
    """

    passes: int
    cpu_s: float
    gflop: float


def cost_of(network: StemNetwork, sources: Sources, frames: int, steps: int) -> Cost:
    """Make a stem as the rig does, without guidance, and count.

    Args:
        sources: of one window of so many frames.
        steps: of decoding all in all, shared out over the levels where they are told one after
            the other; an autoregressive network takes as many as it needs.
    """
    made, seconds = 0, []
    for seed in range(TIMES):
        started = time.process_time()
        made = _make(network, sources, frames, steps, seed)
        seconds.append(time.process_time() - started)
    with FlopCounterMode(display=False) as counter:
        _make(network, sources, frames, steps, 0)
    return Cost(made, min(seconds), counter.get_total_flops() / 1e9)


def _make(network: StemNetwork, sources: Sources, frames: int, steps: int, seed: int) -> int:
    """Make a stem; the passes that it took."""
    levels = network.config.levels
    if isinstance(network, AutoregressiveNetwork):
        with torch.inference_mode(), autocast(sources.context.device):
            conditioned = network.condition(sources)
            network.generate(conditioned, (Term(sources.told(), 1.0),), 1.0, seed)
        return frames + levels - 1
    nothing: Tensor = torch.zeros(levels, 0, dtype=torch.long)
    guided = GuidedNetwork(network, sources, nothing, {}, "contrast")
    depth = network.config.fine == "depth"
    shared = (steps,) if depth else (max(1, steps // levels),) * levels
    kind = FrameDecoding if depth else TokenDecoding
    decoding = kind(nothing, frames, DecodeSettings(shared), seed, guided)
    while decoding.step():
        pass
    return decoding.steps_done
