"""How many bits a whole stem costs a network that fills it step by step: its exact likelihood.

A step's frames are told independently of each other, after all that was filled before; what is
filled is the true stem. The order hangs on dice and on what is filled already only, so the bits of
all steps add up to -log2 p(stem), p being what decoding in this order, without guidance and at
temperature 1, draws from. An autoregressive network's bits are those of its own order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from model.autoregressive import AutoregressiveNetwork, delay
from model.decoding import still_open
from model.device import autocast
from model.network import MASK, StemNetwork
from model.sources import Sources
from training.experiments.orders import CONFIDENCE, RANDOM, first_frames, shares

Bits = NDArray[np.float64]
"""Bits a frame of each window, by level [N, Q]."""


@dataclass(frozen=True, slots=True)
class Filling:
    """How stems are filled.

    Attributes:
        steps: passes through the network all in all; where levels are told one after the other
            they are shared out among them, so at least as many as levels.
        order: of `training.experiments.orders.ORDERS`.
    """

    steps: int
    order: str = RANDOM


@torch.no_grad()
def stem_bits(
    network: StemNetwork, sources: Sources, target: Tensor, filling: Filling, seed: int
) -> Tensor:
    """Bits a frame of each stem, by level: float64 [B, Q].

    Args:
        sources: what is told of each window.
        target: the true tokens [B, Q, T].
        filling: means nothing to an autoregressive network.
        seed: of the order's dice.
    """
    with autocast(target.device):
        conditioned = network.condition(sources)
        if isinstance(network, AutoregressiveNetwork):
            nats = _autoregressive(network, conditioned, target)
        else:
            nats = _masked(network, conditioned, target, filling, seed)
    return nats.double() / (target.shape[-1] * math.log(2))


def _masked(
    network: StemNetwork, conditioned: Tensor, target: Tensor, filling: Filling, seed: int
) -> Tensor:
    """Nats of each stem, by level [B, Q]."""
    batch, levels, frames = target.shape
    dice = torch.Generator().manual_seed(seed)
    tokens = torch.full_like(target, MASK)
    nats = torch.zeros(batch, levels)
    depth = network.config.fine == "depth"
    for level in range(1 if depth else levels):
        steps = min(filling.steps if depth else filling.steps // levels, frames)
        free = torch.ones(batch, frames, dtype=torch.bool)
        causal = shares(filling.order, free) if filling.order != CONFIDENCE else None
        for step in range(1, steps + 1):
            hidden = network(conditioned, tokens)
            still = free & (tokens[:, level] == MASK)
            share = causal
            if share is None:
                likeliest = network.logits(hidden, level).float().softmax(-1).amax(-1)
                share = shares(CONFIDENCE, still, likeliest)
            noise = torch.rand(batch, frames, generator=dice)
            count = still.sum(1) - still_open(frames, step, steps)
            chosen = first_frames(share, still, noise, count)
            if depth:
                nats += _frame_nats(network, hidden, target, chosen)
                tokens = torch.where(chosen[:, None], target, tokens)
            else:
                told = _nats(network.logits(hidden[chosen], level), target[:, level][chosen])
                nats[:, level] += _by_stem(told, chosen)
                tokens[:, level] = torch.where(chosen, target[:, level], tokens[:, level])
    return nats


def _frame_nats(network: StemNetwork, hidden: Tensor, target: Tensor, chosen: Tensor) -> Tensor:
    """Nats of the chosen frames at every level, each told from the truth above it [B, Q]."""
    state, truth = hidden[chosen], target.transpose(1, 2)[chosen]
    logits, found = network.logits(state, 0), []
    for level in range(network.config.levels):
        if level:
            state, logits = network.deeper(state, level, truth[:, level - 1])
        found.append(_by_stem(_nats(logits, truth[:, level]), chosen))
    return torch.stack(found, 1)


def _autoregressive(network: AutoregressiveNetwork, conditioned: Tensor, target: Tensor) -> Tensor:
    before = functional.pad(delay(target), (1, 0), value=MASK)[..., :-1]
    hidden = network.tell(conditioned, before, network.hear(conditioned))
    found = []
    for level in range(target.shape[1]):
        there = hidden[:, level : level + target.shape[-1]]
        told = _nats(network.logits(there, level).flatten(0, 1), target[:, level].flatten())
        found.append(told.view(len(target), -1).sum(1))
    return torch.stack(found, 1)


def _nats(logits: Tensor, truth: Tensor) -> Tensor:
    return functional.cross_entropy(logits.float(), truth, reduction="none")


def _by_stem(told: Tensor, chosen: Tensor) -> Tensor:
    """Sums [B] of what was told of the chosen frames [B, T], one after the other [n]."""
    rows = chosen.nonzero()[:, 0]
    return torch.zeros(len(chosen)).index_add(0, rows, told)
