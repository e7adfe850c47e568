"""The finer levels of a frame, each from the coarser ones, without another pass of the trunk.

A departure from the paper, which decodes level by level, each with passes of its own. Here a frame
is filled at all levels at once: its first token from the trunk's state, each finer one from that
state and the tokens above it (after the depth transformers of RQ-Transformer, arXiv 2203.01941).
A frame that has been filled tells the frames still open everything, its texture too.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.trunk import RMSNorm

INNER = 2
"""Width of a block's inner layer, in widths of the network."""


class DepthBlock(nn.Module):
    """The step from one level to the next: the token's embedding in, then a gated layer."""

    def __init__(self, width: int, code_width: int, vocabulary: int):
        super().__init__()
        self.code_in = nn.Parameter(torch.randn(code_width, width) * code_width**-0.5)
        self.table = nn.Embedding(vocabulary, width)
        self.norm = RMSNorm(width)
        self.gate_up = nn.Linear(width, 2 * INNER * width, bias=False)
        self.down = nn.Linear(INNER * width, width, bias=False)
        self.out = RMSNorm(width)

    def forward(self, state: Tensor, token: Tensor, entry: Tensor) -> Tensor:
        """State [n, width], the coarser token [n] and its entry [n, code_width] -> [n, width]."""
        state = state + self.table(token) + entry.to(state.dtype) @ self.code_in.to(state.dtype)
        gate, up = self.gate_up(self.norm(state)).chunk(2, -1)
        return state + self.down(functional.silu(gate) * up)


class Depth(nn.Module):
    """Levels 2 and finer of frames whose coarser tokens are known."""

    def __init__(self, width: int, code_width: int, levels: int, vocabulary: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            [DepthBlock(width, code_width, vocabulary) for _ in range(levels - 1)]
        )

    def forward(self, state: Tensor, level: int, token: Tensor, entry: Tensor) -> Tensor:
        """The state that tells a level (1 is the second), from the one that told the level above.

        Args:
            state: [n, width].
            token: of the level above [n].
            entry: its entry in the codebook [n, code_width].
        """
        block: nn.Module = self.blocks[level - 1]
        return block(state, token, entry)

    def told(self, state: Tensor, level: int) -> Tensor:
        """What a level's logits are made from: the state, normalised."""
        block = self.blocks[level - 1]
        assert isinstance(block, DepthBlock)
        return block.out(state)
