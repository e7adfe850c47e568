"""A trunk of dilated convolutions, to compare the transformer with (the paper asks for it)."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

from model.trunk import RMSNorm, WholeTrunk

DILATIONS = (1, 2, 4, 8, 16)
"""Frames between the three taps, layer by layer, over and over."""


class ConvolutionBlock(nn.Module):
    """A gated convolution of three taps, added to the frames."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.norm = RMSNorm(width)
        self.gate_up = nn.Conv1d(
            width, 2 * width, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> the same shape."""
        gate, up = self.gate_up(self.norm(x).transpose(1, 2)).transpose(1, 2).chunk(2, -1)
        return x + self.out(functional.silu(gate) * up)


class Convolution(WholeTrunk):
    """A stack of them: each frame sees the 62 frames (1.2 s) on both sides of it in ten layers."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            [ConvolutionBlock(width, DILATIONS[layer % len(DILATIONS)]) for layer in range(layers)]
        )

    def residual_layers(self) -> list[nn.Linear]:
        """See `Trunk`."""
        return [block.out for block in self.blocks if isinstance(block, ConvolutionBlock)]

    def forward(self, x: Tensor, prefix_frames: Tensor | None = None) -> Tensor:
        """See `Trunk`; a prefix is read like everything else."""
        for block in self.blocks:
            x = block(x)
        return x
