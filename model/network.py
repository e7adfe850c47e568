"""The StemGen network: two channels of tokens in, one distribution a level and frame out.

After "StemGen: A music generation model that listens" (arXiv 2312.08723), section 2: embeddings
summed over levels, the conditioning added to each channel, the channels concatenated along the
embedding axis, a LLaMA-type trunk without a causal mask, one linear head a level.

Departures from the paper:
- More sources than the mix and the instrument: the clock (beat and bar phase a frame), the chord of
  each frame, and what the instrument sounds like, all added to both channels (`model.sources`).
- Guidance may be an input (after "On distillation of guided diffusion models", arXiv 2210.03142):
  the network then gives in one pass what several passes give together.
- Finer levels may be told by a small network of their own (`model.depth`).
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
from model.depth import Depth
from model.grid import LEVELS, VOCABULARY
from model.instruments import INSTRUMENTS
from model.pitch import PITCHES
from model.recurrent import Recurrent
from model.request import HARMONY_WIDTH, PHASE_WIDTH, SOURCES
from model.sound import sound_width
from model.sources import UNKNOWN, Sources
from model.transformer import Transformer
from model.trunk import Past, RMSNorm, Trunk

MASK = VOCABULARY
"""Token of a target position that is still to be filled."""

CONTEXT_NOISE = 0.3
"""Standard deviation of what is added to the features in training; theirs is about 1."""
SOUND_NOISE = 0.2
"""The same for what tells a sound."""
SOUNDS = 8
"""How many sounds of each instrument class a network brings along."""
CONTEXTS = ("tokens", "features")
"""How a context may be heard."""
FINE = ("levels", "depth")
"""How levels 2 and finer are told: each by passes of its own, the paper's way, or in depth."""
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
    fine: str = "levels"
    """How finer levels are told, see `FINE`."""
    sources: tuple[str, ...] = ("audio", "instrument", "clock")
    """What it was trained to be told, of `model.request.SOURCES`."""
    guided: bool = False
    """Whether it is told the weights of guidance too, and gives what guidance would make of it."""

    @property
    def guesses(self) -> bool:
        """Whether it is told where something stands in for what was not played yet: it has learnt
        that together with harmony."""
        return "harmony" in self.sources

    def __post_init__(self) -> None:
        """ValueError: no such way to hear or to tell."""
        if self.context not in CONTEXTS:
            raise ValueError(f"context is {self.context!r}; valid: {', '.join(CONTEXTS)}")
        if self.fine not in FINE:
            raise ValueError(f"fine is {self.fine!r}; valid: {', '.join(FINE)}")
        object.__setattr__(self, "sources", tuple(self.sources))  # JSON knows lists only


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
    sounds: Tensor
    """Sounds to choose from, some of each instrument class [18, SOUNDS, width], as `model.sound`
    tells them; all zeros where there are fewer."""

    def __init__(self, config: NetworkConfig | None = None):
        super().__init__()
        self.config = config = config or NetworkConfig()
        self.part: tuple[int, int] | None = None
        """In training, the first row of a part of a batch, and the rows of the whole; None: all.
        So the noise on what is heard is the same however a batch is parted."""
        half = config.width // 2
        rows = config.vocabulary + 2
        self.register_buffer("codebooks", torch.zeros(config.levels, rows, config.code_width))
        self.code_in = nn.Parameter(torch.zeros(config.levels, config.code_width, half))
        self.tables = nn.ModuleList([nn.Embedding(rows, half) for _ in range(config.levels)])
        if config.context == "features":
            self.context_in = nn.Parameter(torch.zeros(config.levels, config.code_width, half))
            self.context_unknown = nn.Parameter(torch.zeros(half))
            self.pitch_in = nn.Linear(PITCHES, half, bias=False)
            self.pitch_out = nn.Linear(config.width, PITCHES)
        self.instruments = nn.Embedding(len(INSTRUMENTS) + 1, half)
        self.clock = nn.Sequential(nn.Linear(PHASE_WIDTH, half), nn.SiLU(), nn.Linear(half, half))
        self.clock_unknown = nn.Parameter(torch.zeros(half))
        if "harmony" in config.sources:
            self.harmony = nn.Sequential(
                nn.Linear(HARMONY_WIDTH, half), nn.SiLU(), nn.Linear(half, half)
            )
            self.harmony_unknown = nn.Parameter(torch.zeros(half))
        if config.guesses:
            self.context_guessed = nn.Parameter(torch.zeros(half))
        if "sound" in config.sources:
            self.sound = nn.Linear(sound_width(config.levels, config.code_width), half)
            self.sound_unknown = nn.Parameter(torch.zeros(half))
            self.register_buffer("sounds", torch.zeros(len(INSTRUMENTS), SOUNDS, self.sound_width))
        self.trunk = make_trunk(config)
        self.norm = RMSNorm(config.width)
        self.code_out = nn.Parameter(torch.zeros(config.levels, config.code_width, config.width))
        self.heads = nn.Parameter(torch.zeros(config.levels, config.vocabulary, config.width))
        if config.guided:
            self.guidance = nn.Sequential(
                nn.Linear(len(SOURCES), half, bias=False),
                nn.SiLU(),
                nn.Linear(half, half, bias=False),
            )
        if config.fine == "depth":
            self.depth = Depth(config.width, config.code_width, config.levels, config.vocabulary)
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
        if self.config.guided:  # at first guidance changes nothing
            for weight in self.guidance[-1].parameters():
                nn.init.zeros_(weight)
        nn.init.normal_(self.code_out, std=0.1 * self.config.width**-0.5)

    @property
    def sound_width(self) -> int:
        """Numbers that tell a sound, see `model.sound`."""
        return sound_width(self.config.levels, self.config.code_width)

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

    def condition(self, sources: Sources, guidance: Tensor | None = None) -> Tensor:
        """The part of the input that stays the same while a stem is decoded.

        Args:
            guidance: the weight of each of `model.request.SOURCES` [B, 5], of a network that is
                told them; None for 1, no guidance.

        Returns:
            [B, T, width]: the context channel, then the target channel without its tokens.
        """
        conditioning = self.instruments(sources.instrument)[:, None] + _known(
            self.clock(sources.phase), sources.clock_known[:, None], self.clock_unknown
        )
        if "harmony" in self.config.sources:
            conditioning = conditioning + _known(
                self.harmony(sources.harmony), sources.harmony_known, self.harmony_unknown
            )
        if "sound" in self.config.sources:
            sound = sources.sound
            if self.training:
                sound = sound + SOUND_NOISE * self._noise(sound)
            told = _known(self.sound(sound), sources.sound_known, self.sound_unknown)
            conditioning = conditioning + told[:, None]
        if self.config.guided and guidance is not None:
            # Nothing is added where all weights are 1.
            conditioning = conditioning + self.guidance(guidance - 1.0)[:, None]
        return torch.cat([self._hear(sources) + conditioning, conditioning], -1)

    def _hear(self, sources: Sources) -> Tensor:
        """The context channel without its conditioning: [B, T, width / 2]."""
        context, pitches = sources.context, sources.pitches
        if self.config.context == "tokens":
            return self._embed(context)
        known = context[:, 0] != UNKNOWN
        entries = torch.stack([self.codebooks[q][context[:, q]] for q in range(self.config.levels)])
        if self.training:  # so that no song is known by its features to the last digit
            entries = entries + CONTEXT_NOISE * self._noise(entries, 1)
            pitches = pitches + CONTEXT_NOISE * self._noise(pitches)
        heard = torch.einsum("qbtc,qch->bth", entries, self.context_in) + self.pitch_in(pitches)
        if self.config.guesses:
            guessed = sources.guessed[..., None]
            heard = heard + torch.where(guessed, self.context_guessed.to(heard.dtype), 0.0)
        return _known(heard, known, self.context_unknown)

    def _noise(self, like: Tensor, batch_axis: int = 0) -> Tensor:
        """Standard normal numbers in the shape of a tensor."""
        rows = like.shape[batch_axis]
        first, every = self.part or (0, rows)
        shape = list(like.shape)
        shape[batch_axis] = every
        noise = torch.randn(shape, dtype=like.dtype, device=like.device)
        return noise.narrow(batch_axis, first, rows)

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

    def deeper(self, state: Tensor, level: int, token: Tensor) -> tuple[Tensor, Tensor]:
        """One level down (only of a network that tells finer levels in depth).

        Args:
            state: of frames: the trunk's hidden states for level 1 (the second), what the call
                for the level above returned for finer ones [n, width].
            token: of the level above [n].

        Returns:
            the state for the next call [n, width], and the logits of this level [n, vocabulary].
        """
        state = self.depth(state, level, token, self.codebooks[level - 1][token])
        return state, self.logits(self.depth.told(state, level), level)


def _known(told: Tensor, known: Tensor, unknown: Tensor) -> Tensor:
    """What is told [..., half] where it is known [...], and the vector for "unknown" elsewhere."""
    return torch.where(known[..., None], told, unknown.to(told.dtype))
