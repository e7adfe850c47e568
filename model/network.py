"""The StemGen network: two channels of tokens in, one distribution a level and frame out.

After "StemGen: A music generation model that listens" (arXiv 2312.08723), section 2: embeddings
summed over levels, the conditioning added to each channel, the channels concatenated along the
embedding axis, a LLaMA-type trunk without a causal mask, one linear head a level.

Departures from the paper:
- A third source, the clock: beat and bar phase a frame, added to both channels.
- The context may be heard as features: its tokens' entries in the codec's codebooks and its
  pitches (`model.pitch`), through linear maps. A table with a row for each token, as the paper has
  it, learns songs by heart.
- A token's embedding and its row in the head start from its entry in the codec's codebook: a
  linear map of the entry plus a table of its own. Tokens that sound alike start alike, which saves
  more than half of the training steps.
- Far smaller (the bundled one has about 5 M parameters in the trunk against 250 M), for a laptop.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.convolution import Convolution
from model.grid import LEVELS, VOCABULARY
from model.instruments import INSTRUMENTS
from model.pitch import PITCHES
from model.recurrent import Recurrent
from model.transformer import Transformer
from model.trunk import Past, RMSNorm, Trunk

MASK = VOCABULARY
"""Token of a target position that is still to be filled."""
UNKNOWN = VOCABULARY + 1
"""Token of a context position that is dropped or not known yet (the paper's NULL)."""

CONTEXT_NOISE = 0.3
"""Standard deviation of what is added to the features in training; theirs is about 1."""
CONTEXTS = ("tokens", "features")
"""How a context may be heard."""
BACKBONES = {"transformer": 6, "recurrent": 4, "convolution": 10}
"""The trunks, and how many layers of each have about as many parameters."""


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
    backbone: str = "transformer"
    context: str = "tokens"
    """How the context is heard: as `tokens`, the paper's way, or as `features`."""


def make_trunk(config: NetworkConfig) -> Trunk:
    """An untrained trunk; ValueError if there is no such backbone."""
    if config.backbone == "transformer":
        return Transformer(config.width, config.layers, config.heads)
    if config.backbone == "recurrent":
        return Recurrent(config.width, config.layers)
    if config.backbone == "convolution":
        return Convolution(config.width, config.layers)
    raise ValueError(f"backbone is {config.backbone!r}; valid: {', '.join(BACKBONES)}")


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
        if config.context not in CONTEXTS:
            raise ValueError(f"context is {config.context!r}; valid: {', '.join(CONTEXTS)}")
        if config.context == "features":
            self.context_in = nn.Parameter(torch.zeros(config.levels, config.code_width, half))
            self.context_unknown = nn.Parameter(torch.zeros(half))
            self.pitch_in = nn.Linear(PITCHES, half, bias=False)
            self.pitch_out = nn.Linear(config.width, PITCHES)
        self.instruments = nn.Embedding(len(INSTRUMENTS) + 1, half)
        self.clock = nn.Sequential(nn.Linear(4, half), nn.SiLU(), nn.Linear(half, half))
        self.clock_unknown = nn.Parameter(torch.zeros(half))
        self.trunk = make_trunk(config)
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
        residual = self.trunk.residual_layers()
        for layer in residual:
            for weight in layer.parameters():
                weight.data.mul_(len(residual) ** -0.5)
        nn.init.normal_(self.code_in, std=self.config.code_width**-0.5)
        if self.config.context == "features":
            nn.init.normal_(self.context_in, std=self.config.code_width**-0.5)
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
        self,
        context: Tensor,
        pitches: Tensor,
        instrument: Tensor,
        phase: Tensor,
        clock_known: Tensor,
    ) -> Tensor:
        """The part of the input that stays the same while a stem is decoded.

        Args:
            context: tokens of the live mix [B, levels, T]; UNKNOWN where dropped or not heard.
            pitches: of the live mix [B, T, PITCHES], see `model.pitch`; they count only where its
                tokens are known, and only if it is heard as features.
            instrument: class [B]; `instruments.NULL` where dropped.
            phase: sin and cos of beat and of bar phase [B, T, 4].
            clock_known: False where the clock is dropped [B].

        Returns:
            [B, T, width]: the context channel, then the target channel without its tokens.
        """
        clock = self.clock(phase)
        clock = torch.where(clock_known[:, None, None], clock, self.clock_unknown.to(clock.dtype))
        conditioning = self.instruments(instrument)[:, None] + clock
        heard = self._hear(context, pitches)
        return torch.cat([heard + conditioning, conditioning], -1)

    def _hear(self, context: Tensor, pitches: Tensor) -> Tensor:
        """The context [B, levels, T] and its pitches [B, T, PITCHES] -> [B, T, width / 2]."""
        if self.config.context == "tokens":
            return self._embed(context)
        known = (context[:, 0] != UNKNOWN)[..., None]
        entries = torch.stack([self.codebooks[q][context[:, q]] for q in range(self.config.levels)])
        if self.training:  # so that no song is known by its features to the last digit
            entries = entries + CONTEXT_NOISE * torch.randn_like(entries)
            pitches = pitches + CONTEXT_NOISE * torch.randn_like(pitches)
        heard = torch.einsum("qbtc,qch->bth", entries, self.context_in) + self.pitch_in(pitches)
        return torch.where(known, heard, self.context_unknown.to(heard.dtype))

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
        return self.norm(self.trunk(self._join(conditioned, target), prefix_frames))

    def read_prefix(self, conditioned: Tensor, target: Tensor) -> Past:
        """Read a visible prefix once, for `go_on`.

        Args:
            conditioned: of the prefix's frames [B, P, width].
            target: its tokens [B, levels, P].
        """
        return self.trunk.read_prefix(self._join(conditioned, target))

    def go_on(self, conditioned: Tensor, target: Tensor, past: Past) -> Tensor:
        """Hidden states of the frames behind a prefix: what `forward` gives for them.

        Args:
            conditioned: of the frames behind the prefix [B, T - P, width].
            target: their tokens [B, levels, T - P].
            past: what `read_prefix` returned.

        Returns:
            [B, T - P, width].
        """
        return self.norm(self.trunk.go_on(self._join(conditioned, target), past))

    def _join(self, conditioned: Tensor, target: Tensor) -> Tensor:
        """The target's tokens into their channel: [B, T, width]."""
        half = self.config.width // 2
        return conditioned + functional.pad(self._embed(target), (half, 0))

    def pitches(self, hidden: Tensor) -> Tensor:
        """The pitches (see `model.pitch`) that the stem will have: [..., width] -> [..., PITCHES].

        Nothing is decoded from them: training asks for them, so that notes are learnt as such.
        """
        return self.pitch_out(hidden)

    def logits(self, hidden: Tensor, level: int) -> Tensor:
        """Unnormalised log-probabilities of one level: [..., width] -> [..., vocabulary]."""
        rows = self.codebooks[level, : self.config.vocabulary] @ self.code_out[level]
        return functional.linear(hidden, rows + self.heads[level])
