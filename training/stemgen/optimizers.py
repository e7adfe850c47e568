"""The optimisers of a network."""

from __future__ import annotations

import torch
from torch import nn

from model.network import StemNetwork
from training.stemgen.settings import StemgenSettings


def make_optimizers(network: StemNetwork, settings: StemgenSettings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of trunk and depth, AdamW for embeddings, heads and gains.

    With `adamw` for an optimiser, as in the paper, AdamW has them all.
    """
    matrices = [p for p in network.trunk.parameters() if p.ndim == 2]
    if network.config.fine == "depth":
        for layer in network.depth.modules():
            matrices += layer.parameters() if isinstance(layer, nn.Linear) else ()
    if settings.optimizer == "adamw":
        matrices = []
    chosen = {id(p) for p in matrices}
    others = [p for p in network.parameters() if id(p) not in chosen]
    adam = torch.optim.AdamW(
        others, settings.peak, betas=(0.9, 0.98), weight_decay=settings.weight_decay
    )
    if not matrices:
        return [adam]
    muon = torch.optim.Muon(
        matrices,
        settings.peak,
        weight_decay=settings.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, adam]
