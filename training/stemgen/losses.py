"""What a step learns from: cross-entropy where tokens are hidden, and the error in the pitches.

Each loss is a sum over some windows divided by a count over all windows of the step, so that the
sums of several processes add up to the step's own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.network import StemNetwork
from model.pitch import PITCHES
from training.stemgen.hiding import Counts


def token_loss(
    network: StemNetwork,
    hidden: Tensor,
    target: Tensor,
    masked: Tensor,
    levels: Tensor,
    counts: Counts | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy (nats) on the masked positions of each example's level, and it by level.

    Args:
        hidden: what the network made of the masked target [B, T, width].
        target: tokens of the stem [B, Q, T].
        masked: where the loss counts [B, T].
        levels: level of each example [B], 0..Q-1.
        counts: of the whole step; None: these windows are the whole.
    """
    total = torch.zeros((), device=hidden.device)
    figures = {}
    for level in sorted(set(levels.tolist())):
        where = masked & (levels == level)[:, None]
        logits = network.logits(hidden[where], level).float()
        loss = functional.cross_entropy(logits, target[:, level][where], reduction="sum")
        count = int(where.sum()) if counts is None else counts.levels[level]
        figures[f"level_{level + 1}"] = float(loss.detach()) / max(1, count)
        total = total + loss
    return total / (masked.sum() if counts is None else counts.masked), figures


def depth_loss(
    network: StemNetwork,
    hidden: Tensor,
    target: Tensor,
    masked: Tensor,
    finer: Tensor,
    fine_weight: float,
    counts: Counts | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy (nats) of masked frames at every level, each finer one told from the truth.

    Args:
        hidden: what the network made of the masked target [B, T, width].
        target: tokens of the stem [B, Q, T].
        masked: which frames are masked [B, T], M of them.
        finer: which of those count at the finer levels [M].
        fine_weight: how much each finer level counts beside the first.
        counts: of the whole step; None: these windows are the whole.
    """
    state, truth = hidden[masked], target.transpose(1, 2)[masked]
    count = len(state) if counts is None else counts.masked
    logits = network.logits(state, 0).float()
    loss = functional.cross_entropy(logits, truth[:, 0], reduction="sum") / count
    fine_count = int(finer.sum()) if counts is None else counts.finer
    fine, figures = finer_loss(network, state, truth, finer, fine_count)
    return loss + fine_weight * fine, {"level_1": float(loss.detach()), **figures}


def finer_loss(
    network: StemNetwork, state: Tensor, truth: Tensor, chosen: Tensor, count: int
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy (nats) of the finer levels of some frames, summed over levels, and by level.

    Args:
        state: the trunk's hidden states [M, width].
        truth: the frames' tokens [M, Q].
        chosen: which of them count [M].
        count: how many count in the whole step.
    """
    loss, figures = torch.zeros((), device=state.device), dict[str, float]()
    # Where none counts it goes through all the same: processes exchange gradients of every number.
    state, truth = state[chosen], truth[chosen]
    for level in range(1, network.config.levels):
        state, logits = network.deeper(state, level, truth[:, level - 1])
        fine = functional.cross_entropy(logits.float(), truth[:, level], reduction="sum")
        fine = fine / max(1, count)
        if count:
            figures[f"level_{level + 1}"] = float(fine.detach())
        loss = loss + fine
    return loss, figures


def pitch_loss(
    network: StemNetwork, hidden: Tensor, target: Tensor, masked: Tensor, count: int
) -> Tensor:
    """Mean squared error in the pitches of masked frames.

    Args:
        hidden: [B, T, width].
        target: pitches of the stem [B, T, PITCHES].
        masked: [B, T].
        count: masked frames in the whole step.
    """
    told = network.pitches(hidden[masked]).float()
    error = functional.mse_loss(told, target[masked], reduction="sum")
    return error / (count * PITCHES)
