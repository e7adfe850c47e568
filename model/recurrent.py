"""A trunk of bidirectional LSTMs, to compare the transformer with (the paper asks for it)."""

from __future__ import annotations

from torch import Tensor, nn

from model.trunk import RMSNorm, WholeTrunk


class RecurrentBlock(nn.Module):
    """A bidirectional LSTM as wide as the frames in each direction, added to them."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = RMSNorm(width)
        self.memory = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> the same shape."""
        return x + self.out(self.memory(self.norm(x))[0])


class Recurrent(WholeTrunk):
    """A stack of them. It sees the whole window from every frame, the prefix included."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        self.blocks = nn.ModuleList([RecurrentBlock(width) for _ in range(layers)])

    def residual_layers(self) -> list[nn.Linear]:
        """See `Trunk`."""
        return [block.out for block in self.blocks if isinstance(block, RecurrentBlock)]

    def forward(self, x: Tensor, prefix_frames: Tensor | None = None) -> Tensor:
        """See `Trunk`; a prefix is read like everything else."""
        for block in self.blocks:
            x = block(x)
        return x
