"""What every trunk offers: frames in, frames out, and a visible prefix that may be read once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

Past = tuple[tuple[Tensor, ...], ...]
"""What a trunk keeps of a visible prefix: tensors whose first axis is the batch."""


class RMSNorm(nn.Module):
    """Root-mean-square normalisation with a gain."""

    def __init__(self, width: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] -> the same shape and type."""
        return functional.rms_norm(x, (x.shape[-1],), self.gain.to(x.dtype))


class Trunk(nn.Module, ABC):
    """A sequence model that looks both ways."""

    blocks: nn.ModuleList
    """What it is made of, in order."""

    @abstractmethod
    def forward(self, x: Tensor, prefix_frames: Tensor | None = None) -> Tensor:
        """Frames [B, T, width] -> the same shape.

        Args:
            prefix_frames: length of each example's visible prefix [B]; None: no prefix.
        """

    @abstractmethod
    def read_prefix(self, x: Tensor) -> Past:
        """What `go_on` needs to know of a visible prefix [B, P, width]."""

    @abstractmethod
    def go_on(self, x: Tensor, past: Past) -> Tensor:
        """The frames behind a prefix [B, T - P, width]: what `forward` gives for them."""

    @abstractmethod
    def residual_layers(self) -> Sequence[nn.Module]:
        """The layers whose output is added to the frames; they start small."""


class WholeTrunk(Trunk):
    """A trunk that reads everything again each time: it cannot read a prefix on its own."""

    def read_prefix(self, x: Tensor) -> Past:
        """The prefix as it is."""
        return ((x,),)

    def go_on(self, x: Tensor, past: Past) -> Tensor:
        """See `Trunk`."""
        (prefix,) = past[0]
        return self(torch.cat([prefix.to(x.dtype), x], 1))[:, prefix.shape[1] :]


def join_pasts(pasts: Sequence[Past]) -> Past:
    """Several pasts as one batch."""
    return tuple(
        tuple(torch.cat(parts) for parts in zip(*blocks, strict=True))
        for blocks in zip(*pasts, strict=True)
    )
