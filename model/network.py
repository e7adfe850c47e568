"""The StemGen network: two channels of tokens in, one distribution a level and frame out.

After "StemGen: A music generation model that listens" (arXiv 2312.08723), section 2: embeddings
summed over levels, the conditioning added to each channel, the channels concatenated along the
embedding axis, a LLaMA-type trunk without a causal mask, one linear head a level.

Departures from the paper:
- A third source, the clock: beat and bar phase a frame, added to both channels.
- A token's embedding and its row in the head start from its entry in the codec's codebook: a
  linear map of the entry plus a table of its own. Tokens that sound alike start alike, which saves
  more than half of the training steps.
- Frames of the visible prefix attend to the prefix only, frames to be filled attend to everything:
  so the prefix is read once and a decode step costs only the frames that are being filled. With no
  prefix this is the paper's bidirectional trunk.
- Far smaller (the bundled one has about 5 M parameters in the trunk against 250 M), for a laptop.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.grid import LEVELS, VOCABULARY
from model.instruments import INSTRUMENTS

MASK = VOCABULARY
"""Token of a target position that is still to be filled."""
UNKNOWN = VOCABULARY + 1
"""Token of a context position that is dropped or not known yet (the paper's NULL)."""

Past = tuple[tuple[Tensor, Tensor], ...]
"""What the trunk keeps of a visible prefix: each block's keys and values, [B, H, P, head_width]."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of a network; stored beside its weights."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    code_width: int = 16
    levels: int = LEVELS
    vocabulary: int = VOCABULARY
    frames: int = 512
    """Longest window it was trained on."""


class RMSNorm(nn.Module):
    """Root-mean-square normalisation with a gain."""

    def __init__(self, width: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] -> the same shape and type."""
        return functional.rms_norm(x, (x.shape[-1],), self.gain.to(x.dtype))


def rotary_table(frames: int, head_width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embedding (RoPE): each [frames, head_width / 2]."""
    rate = 10_000.0 ** (-torch.arange(0, head_width, 2, device=device) / head_width)
    angle = torch.arange(frames, device=device)[:, None] * rate
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
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
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


class StemNetwork(nn.Module):
    """p(target tokens | context tokens, instrument, clock), masked and non-autoregressive."""

    codebooks: Tensor

    def __init__(self, config: NetworkConfig | None = None):
        super().__init__()
        self.config = config = config or NetworkConfig()
        half = config.width // 2
        rows = config.vocabulary + 2
        self.register_buffer("codebooks", torch.zeros(config.levels, rows, config.code_width))
        self.code_in = nn.Parameter(torch.zeros(config.levels, config.code_width, half))
        self.tables = nn.ModuleList([nn.Embedding(rows, half) for _ in range(config.levels)])
        self.instruments = nn.Embedding(len(INSTRUMENTS) + 1, half)
        self.clock = nn.Sequential(nn.Linear(4, half), nn.SiLU(), nn.Linear(half, half))
        self.clock_unknown = nn.Parameter(torch.zeros(half))
        self.blocks = nn.ModuleList(
            [TransformerBlock(config.width, config.heads) for _ in range(config.layers)]
        )
        self.norm = RMSNorm(config.width)
        self.code_out = nn.Parameter(torch.zeros(config.levels, config.code_width, config.width))
        self.heads = nn.Parameter(torch.zeros(config.levels, config.vocabulary, config.width))
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.1)
        for block in self.blocks:
            assert isinstance(block, TransformerBlock)
            for last in (block.attention_out, block.down):
                last.weight.data.mul_((2 * self.config.layers) ** -0.5)
        nn.init.normal_(self.code_in, std=self.config.code_width**-0.5)
        nn.init.normal_(self.code_out, std=0.1 * self.config.width**-0.5)

    def start_from_codebooks(self, codebooks: Tensor) -> None:
        """Take the codec's codebooks [levels, vocabulary, code_width] as the tokens' features."""
        centred = codebooks - codebooks.mean(1, keepdim=True)
        scale = centred.std((1, 2), keepdim=True).clamp(min=1e-6)
        self.codebooks.zero_()
        self.codebooks[:, : self.config.vocabulary] = centred / scale

    def _embed(self, tokens: Tensor) -> Tensor:
        """Tokens [B, levels, T] (MASK and UNKNOWN allowed) -> [B, T, width / 2]."""
        embedded: Tensor | None = None
        for level, table in enumerate(self.tables):
            chosen = tokens[:, level]
            part = table(chosen) + self.codebooks[level][chosen] @ self.code_in[level]
            embedded = part if embedded is None else embedded + part
        assert embedded is not None
        return embedded

    def condition(
        self, context: Tensor, instrument: Tensor, phase: Tensor, clock_known: Tensor
    ) -> Tensor:
        """The part of the input that stays the same while a stem is decoded.

        Args:
            context: tokens of the live mix [B, levels, T]; UNKNOWN where dropped or not heard.
            instrument: class [B]; `instruments.NULL` where dropped.
            phase: sin and cos of beat and of bar phase [B, T, 4].
            clock_known: False where the clock is dropped [B].

        Returns:
            [B, T, width]: the context channel, then the target channel without its tokens.
        """
        clock = self.clock(phase)
        clock = torch.where(clock_known[:, None, None], clock, self.clock_unknown.to(clock.dtype))
        conditioning = self.instruments(instrument)[:, None] + clock
        return torch.cat([self._embed(context) + conditioning, conditioning], -1)

    def forward(
        self, conditioned: Tensor, target: Tensor, prefix_frames: Tensor | None = None
    ) -> Tensor:
        """Hidden states of every frame, for `logits`.

        Args:
            conditioned: what `condition` returned [B, T, width].
            target: tokens of the stem [B, levels, T]; MASK where still to be filled.
            prefix_frames: length of each example's visible prefix [B]; None: no prefix.

        Returns:
            [B, T, width].
        """
        visible = None if prefix_frames is None else visible_to(prefix_frames, target.shape[-1])
        return self._run(conditioned, target, visible, None)[0]

    def read_prefix(self, conditioned: Tensor, target: Tensor) -> Past:
        """Read a visible prefix once, for `go_on`.

        Args:
            conditioned: of the prefix's frames [B, P, width].
            target: its tokens [B, levels, P].
        """
        return self._run(conditioned, target, None, None)[1]

    def go_on(self, conditioned: Tensor, target: Tensor, past: Past) -> Tensor:
        """Hidden states of the frames behind a prefix: what `forward` gives for them.

        Args:
            conditioned: of the frames behind the prefix [B, T - P, width].
            target: their tokens [B, levels, T - P].
            past: what `read_prefix` returned.

        Returns:
            [B, T - P, width].
        """
        return self._run(conditioned, target, None, past)[0]

    def _run(
        self, conditioned: Tensor, target: Tensor, visible: Tensor | None, past: Past | None
    ) -> tuple[Tensor, Past]:
        half = self.config.width // 2
        x = conditioned + functional.pad(self._embed(target), (half, 0))
        head_width = self.config.width // self.config.heads
        before = 0 if past is None else past[0][0].shape[2]
        cos, sin = rotary_table(before + x.shape[1], head_width, x.device)
        kept = []
        for index, block in enumerate(self.blocks):
            of_block = None if past is None else past[index]
            x, own = block(x, cos[before:], sin[before:], visible, of_block)
            kept.append(own)
        return self.norm(x), tuple(kept)

    def logits(self, hidden: Tensor, level: int) -> Tensor:
        """Unnormalised log-probabilities of one level: [..., width] -> [..., vocabulary]."""
        rows = self.codebooks[level, : self.config.vocabulary] @ self.code_out[level]
        return functional.linear(hidden, rows + self.heads[level])
