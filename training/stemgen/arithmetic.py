"""How much arithmetic a step takes, and how much the machine can do."""

from __future__ import annotations

import time
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from model.device import autocast
from model.network import NetworkConfig, StemNetwork
from model.pitch import PITCHES
from model.request import HARMONY_WIDTH, PHASE_WIDTH
from model.sources import Sources
from training.stemgen.hiding import Counts

PEAK_S = 0.3
"""How long the peak is measured."""
PEAK_SIZE = {"cuda": 8192, "mps": 4096, "cpu": 1024}
"""Rows and columns of the matrices that it is measured with."""


def matrix_peak(device: torch.device) -> float:
    """Floating-point operations a second of a large matrix product, as training does them."""
    size = PEAK_SIZE[device.type]
    left, right = torch.randn(2, size, size, device=device)
    done, started = 0, 0.0
    with autocast(device):
        for number in range(1_000_000):
            if number == 2:  # the first ones warm up
                _wait(device)
                started = time.perf_counter()
            left @ right
            if number >= 2:
                done += 1
                if number % 8 == 1 or device.type == "cpu":
                    _wait(device)
                    if time.perf_counter() - started > PEAK_S:
                        break
    return 2.0 * size**3 * done / (time.perf_counter() - started)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def step_flops(config: NetworkConfig, windows: int, frames: int, counts: Counts) -> float:
    """Floating-point operations of the matrix products of a step, forward and backward.

    Args:
        windows: in the step, of so many frames each.
        counts: of the step.
    """
    head = 6.0 * config.width * config.vocabulary
    flops = windows * _window_flops(config, frames) + head * counts.masked
    if config.fine == "depth":
        flops += counts.finer * _deeper_flops(config)
    if config.context == "features":
        flops += 6.0 * config.width * PITCHES * counts.masked
    return flops


@lru_cache
def _network(config: NetworkConfig) -> StemNetwork:
    with torch.device("meta"):
        return StemNetwork(config)


@lru_cache
def _window_flops(config: NetworkConfig, frames: int) -> float:
    """Of one window up to its hidden states, counted on a network without numbers."""
    network = _network(config)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        target = torch.zeros(1, config.levels, frames, dtype=torch.long)
        network(network.condition(empty_sources(network, 1, frames)), target).sum().backward()
    return float(counter.get_total_flops())


def empty_sources(network: StemNetwork, windows: int, frames: int) -> Sources:
    """Sources that tell nothing, in the sizes that a network is told them."""
    return Sources(
        context=torch.zeros(windows, network.config.levels, frames, dtype=torch.long),
        guessed=torch.zeros(windows, frames, dtype=torch.bool),
        pitches=torch.zeros(windows, frames, PITCHES),
        instrument=torch.zeros(windows, dtype=torch.long),
        phase=torch.zeros(windows, frames, PHASE_WIDTH),
        clock_known=torch.zeros(windows, dtype=torch.bool),
        harmony=torch.zeros(windows, frames, HARMONY_WIDTH),
        harmony_known=torch.zeros(windows, frames, dtype=torch.bool),
        sound=torch.zeros(windows, network.sound_width),
        sound_known=torch.zeros(windows, dtype=torch.bool),
    )


@lru_cache
def _deeper_flops(config: NetworkConfig) -> float:
    """Of one frame at every finer level."""
    network = _network(config)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        state = torch.zeros(64, config.width, requires_grad=True)
        total = torch.zeros(())
        for level in range(1, config.levels):
            state, logits = network.deeper(state, level, torch.zeros(64, dtype=torch.long))
            total = total + logits.sum()
        total.backward()
    return float(counter.get_total_flops()) / 64
