"""The bundled trunk: a LLaMA-type transformer without a causal mask (paper, "Backbone").

Departure: frames of the visible prefix attend to the prefix only, frames to be filled attend to
everything. So the prefix is read once and a decode step costs only the frames that are being
filled. With no prefix this is the paper's bidirectional trunk.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.trunk import Past, RMSNorm, Trunk


def rotary_table(place: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embedding (RoPE): each [frames, head_width / 2].

    Args:
        place: position of each frame [frames].
    """
    rate = 10_000.0 ** (-torch.arange(0, head_width, 2, device=place.device) / head_width)
    angle = place[:, None] * rate
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the two halves of [B, H, T, head_width] against each other by their position."""
    first, second = x.chunk(2, -1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


def visible_to(prefix_frames: Tensor, frames: int) -> Tensor:
    """Which frame may attend to which: bool [B, 1, frames, frames], the query's frame first.

    Args:
        prefix_frames: length of each example's visible prefix [B], 0..frames.
    """
    inside = torch.arange(frames, device=prefix_frames.device) < prefix_frames[:, None]
    return (~inside[:, :, None] | inside[:, None, :])[:, None]


def attention(query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None) -> Tensor:
    """Attention of [B, H, T, head_width] over keys and values [B, H, S, head_width].

    On a CPU in bfloat16 two plain matrix products take 0.4 times as long as torch's fused kernel,
    forward and backward (measured at 256 and 512 frames); elsewhere the fused one is faster.

    Args:
        visible: bool [B, 1, T, S], True where a query may look; None: everywhere.
    """
    if query.device.type == "cpu" and query.dtype == torch.bfloat16:
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        if visible is not None:
            scores = scores.masked_fill(~visible, -torch.inf)
        return torch.softmax(scores, -1) @ value
    return functional.scaled_dot_product_attention(query, key, value, visible)


class TransformerBlock(nn.Module):
    """Attention, then a gated feed-forward (SwiGLU); no biases."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        inner = (8 * width // 3 + 31) // 32 * 32
        self.attention_norm, self.feed_norm = RMSNorm(width), RMSNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        visible: Tensor | None,
        past: tuple[Tensor, ...] | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """[B, T, width] -> the same shape, and the keys and values of these frames.

        Args:
            cos, sin: of these frames' positions [T, head_width / 2].
            visible: see `attention`.
            past: keys and values of the frames before, which are attended to as well.
        """
        batch, frames, width = x.shape
        parts = self.query_key_value(self.attention_norm(x))
        parts = parts.view(batch, frames, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        query, key = rotate(query, cos, sin), rotate(key, cos, sin)
        own = (key, value)
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        mixed = attention(query, key, value, visible)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(batch, frames, width))
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up), own


class Transformer(Trunk):
    """Blocks of attention and feed-forward."""

    def __init__(self, width: int, layers: int, heads: int):
        super().__init__()
        self._head_width = width // heads
        self.blocks = nn.ModuleList([TransformerBlock(width, heads) for _ in range(layers)])

    def residual_layers(self) -> list[nn.Linear]:
        """See `Trunk`."""
        found = []
        for block in self.blocks:
            assert isinstance(block, TransformerBlock)
            found += [block.attention_out, block.down]
        return found

    def forward(self, x: Tensor, prefix_frames: Tensor | None = None) -> Tensor:
        """See `Trunk`."""
        visible = None if prefix_frames is None else visible_to(prefix_frames, x.shape[1])
        return self.run(x, torch.arange(x.shape[1], device=x.device), visible, None)[0]

    def read_prefix(self, x: Tensor) -> Past:
        """Each block's keys and values, [B, H, P, head_width]."""
        return self.run(x, torch.arange(x.shape[1], device=x.device), None, None)[1]

    def go_on(self, x: Tensor, past: Past) -> Tensor:
        """See `Trunk`."""
        before = past[0][0].shape[2]
        place = torch.arange(before, before + x.shape[1], device=x.device)
        return self.run(x, place, None, past)[0]

    def run(
        self, x: Tensor, place: Tensor, visible: Tensor | None, past: Past | None
    ) -> tuple[Tensor, Past]:
        """Every block in turn.

        Args:
            x: [B, T, width].
            place: position of each frame [T], for the rotary embedding.
            visible: bool [B or 1, 1, T, P + T], see `attention`; None: everything.
            past: keys and values of P frames that are attended to as well.

        Returns:
            [B, T, width], and the keys and values of these T frames alone.
        """
        cos, sin = rotary_table(place, self._head_width)
        kept = []
        for index, block in enumerate(self.blocks):
            x, own = block(x, cos, sin, visible, None if past is None else past[index])
            kept.append(own)
        return x, tuple(kept)
