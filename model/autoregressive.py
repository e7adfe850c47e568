"""The baseline: one frame after the other, with the same embeddings, trunk and heads.

Levels are delayed (MusicGen, arXiv 2306.05284): at place s level q tells frame s - q, so that a
frame's finer levels see its coarser ones. The whole context is read first, both ways; then each
place of the stem sees all of it and the places before. It exists to be compared with masked
decoding, on the same data; nothing live uses it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.decoding import sample
from model.guidance import Term, combine
from model.network import MASK, NetworkConfig, StemNetwork
from model.transformer import Transformer
from model.trunk import Past


def delay(tokens: Tensor) -> Tensor:
    """Tokens [B, Q, T] -> [B, Q, T + Q - 1]: level q moved q places to the right, MASK around."""
    batch, levels, frames = tokens.shape
    delayed = tokens.new_full((batch, levels, frames + levels - 1), MASK)
    for level in range(levels):
        delayed[:, level, level : level + frames] = tokens[:, level]
    return delayed


def undelay(delayed: Tensor) -> Tensor:
    """The inverse of `delay`: [B, Q, T + Q - 1] -> [B, Q, T]."""
    levels, places = delayed.shape[1:]
    frames = places - levels + 1
    return torch.stack([delayed[:, q, q : q + frames] for q in range(levels)], 1)


class AutoregressiveNetwork(StemNetwork):
    """p(token | tokens before it, context, instrument, clock)."""

    def __init__(self, config: NetworkConfig | None = None):
        """ValueError: the backbone is not a transformer, the only one with a causal form here."""
        super().__init__(config)
        if not isinstance(self.trunk, Transformer):
            raise ValueError(f"backbone is {self.config.backbone!r}; valid: transformer")
        self._transformer = self.trunk

    def hear(self, conditioned: Tensor) -> Past:
        """Read the whole context [B, T, width], what `condition` returned."""
        place = torch.arange(conditioned.shape[1], device=conditioned.device)
        return self._transformer.run(conditioned, place, None, None)[1]

    def tell(self, conditioned: Tensor, delayed: Tensor, heard: Past, first: int = 0) -> Tensor:
        """Hidden states at places `first` and on, each knowing the places before it only.

        Args:
            conditioned: what `condition` returned [B, T, width].
            delayed: the tokens before each of these places [B, Q, S], MASK where there is none:
                what `delay` gives, one place later.
            heard: what `hear` returned, joined with the `first` places before where there are any.

        Returns:
            [B, S, width].
        """
        return self._tell(conditioned, delayed, heard, first)[0]

    def _tell(
        self, conditioned: Tensor, delayed: Tensor, heard: Past, first: int
    ) -> tuple[Tensor, Past]:
        places, frames = delayed.shape[-1], conditioned.shape[1]
        place = torch.arange(first, first + places, device=conditioned.device)
        x = self._join(conditioned[:, place.clamp(max=frames - 1)], delayed)
        before = heard[0][0].shape[2]
        key = torch.arange(before + places, device=x.device)
        query = torch.arange(before, before + places, device=x.device)
        visible = (key[None] <= query[:, None])[None, None]
        hidden, own = self._transformer.run(x, place, visible, heard)
        return self.norm(hidden), own

    def loss(self, conditioned: Tensor, target: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Mean cross-entropy (nats) of target tokens [B, Q, T], and it by level."""
        delayed = delay(target)
        hidden = self.tell(
            conditioned,
            functional.pad(delayed, (1, 0), value=MASK)[..., :-1],
            self.hear(conditioned),
        )
        losses = []
        for level in range(target.shape[1]):
            there = hidden[:, level : level + target.shape[-1]]
            logits = self.logits(there, level).float()
            losses.append(functional.cross_entropy(logits.transpose(1, 2), target[:, level]))
        figures = {f"level_{q + 1}": float(one.detach()) for q, one in enumerate(losses)}
        return torch.stack(losses).mean(), figures

    @torch.inference_mode()
    def generate(
        self, conditioned: Tensor, terms: tuple[Term, ...], temperature: float, seed: int
    ) -> Tensor:
        """A stem, token by token, with guidance.

        Args:
            conditioned: what `condition` returned for each pass [P, T, width].
            terms: the passes' shares.
            seed: decides every die.

        Returns:
            tokens [Q, T].
        """
        levels, frames = self.config.levels, conditioned.shape[1]
        dice = torch.Generator().manual_seed(seed)
        past = self.hear(conditioned)
        before = torch.full((len(terms), levels, 1), MASK, device=conditioned.device)
        told = []
        for place in range(frames + levels - 1):
            hidden, own = self._tell(conditioned, before, past, place)
            past = tuple(
                tuple(torch.cat(parts, 2) for parts in zip(old, new, strict=True))
                for old, new in zip(past, own, strict=True)
            )
            draws = torch.rand(levels, 1, generator=dice).to(conditioned.device)
            now = torch.full((levels,), MASK, device=conditioned.device)
            for level in range(levels):
                if 0 <= place - level < frames:
                    guided = combine(self.logits(hidden[:, :1], level), terms)
                    now[level] = sample(guided, temperature, draws[level])[0][0]
            before = now[None, :, None].expand(len(terms), -1, -1)
            told.append(now)
        return undelay(torch.stack(told, -1)[None])[0]
