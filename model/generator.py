"""From a request to a stem: encode the mix, decode the tokens with guidance, make audio of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.abilities import Abilities
from model.batch import BatchDecoding
from model.checkpoint import (
    CODEC_FILE,
    STEMGEN_FILE,
    LoadedCodec,
    fingerprint,
    load_grid_codec,
    load_network,
)
from model.context import ContextEncoder, context_gain
from model.decoding import Finer, FrameDecoding, TokenDecoding, sample
from model.device import autocast, pick_device
from model.grid import HOP, LEVELS
from model.guidance import combine, guidance_terms
from model.network import StemNetwork
from model.pitch import pitches
from model.request import SOURCES, StemRequest, StemResult, check_guidance
from model.sound import sound_of, sounding_frames
from model.sources import UNKNOWN, Sources
from model.trunk import Past, join_pasts


class GuidedNetwork:
    """The network with its sources: guided log-probabilities for `TokenDecoding`."""

    def __init__(
        self,
        network: StemNetwork,
        sources: Sources,
        prefix: Tensor,
        guidance: Mapping[str, float],
        form: str,
    ):
        """
        Args:
            sources: of one window; what is not told there is no source of guidance.
            prefix: tokens of the stem that are given [Q, P].
            guidance: a weight for each source that is told; 1 where there is none.

        Attributes:
            terms: the passes of a step.
            rest, past: each term's conditioning behind the prefix [terms, T - P, width], and the
                prefix as it was read.
        """
        self._network, self._sources, self._form = network, sources, form
        self._prefix = prefix
        self._read: dict[frozenset[str], tuple[Tensor, Past]] = {}
        self._weights: Tensor | None = None  # where the network is told them
        self._available = sources.told() & set(network.config.sources)
        self.set_guidance(guidance)

    def set_guidance(self, guidance: Mapping[str, float]) -> None:
        """New weights from the next step on."""
        weights = {name: guidance.get(name, 1.0) for name in sorted(self._available)}
        if self._form == "distilled" and self._network.config.guided:
            row = [weights.get(name, 1.0) for name in SOURCES]
            self._weights = torch.tensor([row], device=self._prefix.device)
            self._read.clear()
            self.terms = guidance_terms(weights, "distilled")
        else:
            form = "contrast" if self._form == "distilled" else self._form
            self.terms = guidance_terms(weights, form)
        with torch.inference_mode(), autocast(self._prefix.device):
            read = [self._read_sources(term.sources) for term in self.terms]
            self.rest = torch.cat([rest for rest, _ in read])
            self.past = join_pasts([past for _, past in read])

    def __call__(self, tokens: Tensor, level: int, positions: Tensor) -> tuple[Tensor, Finer]:
        """What `model.decoding.Told` asks for.

        Args:
            tokens: the stem so far [Q, T]; its prefix is the one given at the start.
            positions: frames behind the prefix.
        """
        with torch.inference_mode(), autocast(tokens.device):
            hidden = self._network.go_on(self.rest, self.new(tokens), self.past)
        return self.told(hidden, level, positions)

    def new(self, tokens: Tensor) -> Tensor:
        """The frames behind the prefix of [Q, T], once for each term: [terms, Q, T - P]."""
        return tokens[None, :, self.first :].expand(len(self.terms), -1, -1)

    def told(self, hidden: Tensor, level: int, positions: Tensor) -> tuple[Tensor, Finer]:
        """Hidden states [terms, T - P, width] -> what calling this gives."""
        with torch.inference_mode(), autocast(hidden.device):
            logits = self._network.logits(hidden[:, positions - self.first], level)
        fullest = hidden[0]  # of the terms, that with the most sources

        def finer(chosen: Tensor, first: Tensor, temperature: float, draws: Tensor) -> Tensor:
            state, token, found = fullest[chosen - self.first], first, []
            with torch.inference_mode(), autocast(hidden.device):
                for deeper, draw in enumerate(draws, 1):
                    state, row = self._network.deeper(state, deeper, token)
                    token = sample(torch.log_softmax(row.float(), -1), temperature, draw)[0]
                    found.append(token)
            return torch.stack(found)

        return combine(logits, self.terms), finer

    @property
    def first(self) -> int:
        """Frames of the prefix, P."""
        return self._prefix.shape[-1]

    def _read_sources(self, sources: frozenset[str]) -> tuple[Tensor, Past]:
        """The conditioning behind the prefix [1, T - P, width], and the prefix as it was read."""
        if sources not in self._read:
            first = self.first
            conditioned = self._network.condition(self._sources.only(sources), self._weights)
            past = self._network.read_prefix(conditioned[:, :first], self._prefix[None])
            self._read[sources] = conditioned[:, first:], past
        return self._read[sources]


class StemDecoding:
    """One stem being made; not thread-safe, everything is called between steps."""

    def __init__(self, generator: StemGenerator, request: StemRequest):
        started = time.perf_counter()
        device = generator.torch_device
        self._generator = generator
        self._lead = torch.from_numpy(request.lead) if request.lead.size else None
        known = torch.from_numpy(request.context_known).to(device)
        # What is not known is neither heard at the horizon's edge nor counted in the level.
        audio = torch.from_numpy(request.context).to(device).view(-1, HOP)
        audio = torch.where(known[:, None], audio * context_gain(audio[known].flatten()), 0.0)
        tokens = generator.hear(audio.flatten(), request.first_frame)
        network = generator.network
        harmony = _frames(request.harmony, request, device)
        sound = request.sound if request.sound.size else np.zeros(network.sound_width, np.float32)
        if len(sound) != network.sound_width:
            raise ValueError(
                f"sound is {len(sound)} numbers; valid: {network.sound_width}, or none"
            )
        sources = Sources(
            context=torch.where(known[None], tokens, UNKNOWN)[None],
            guessed=_frames(request.context_guessed, request, device),
            pitches=pitches(audio.view(1, -1)),
            instrument=torch.tensor([request.instrument], device=device),
            phase=torch.from_numpy(request.phase).to(device)[None],
            clock_known=torch.ones(1, dtype=torch.bool, device=device),
            harmony=harmony,
            harmony_known=harmony.any(-1),
            sound=torch.from_numpy(sound).to(device)[None],
            sound_known=torch.full((1,), request.sound.size > 0, device=device),
        )
        self._timings = {"encode": time.perf_counter() - started, "decode_tokens": 0.0}
        started = time.perf_counter()
        prefix = torch.from_numpy(request.prefix.astype(np.int64)).to(device)
        self._passes = 0
        self.guided = GuidedNetwork(network, sources, prefix, request.guidance, request.form)
        decoding = FrameDecoding if generator.abilities.in_depth else TokenDecoding
        if not generator.abilities.in_depth and len(request.decode.steps) != LEVELS:
            raise ValueError(
                f"steps are {request.decode.steps}; valid with these weights: {LEVELS} numbers"
            )
        self.tokens = decoding(prefix, request.frames, request.decode, request.seed, self.guided)
        self._timings["read_prefix"] = time.perf_counter() - started

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0..1."""
        return self.tokens.progress

    def step(self) -> bool:
        """One decode step; True while there is more to do. ValueError: the network gave NaN."""
        if self.tokens.finished:
            return False
        started = time.perf_counter()
        more = self.tokens.step()
        self.count(time.perf_counter() - started)
        return more

    def count(self, seconds: float) -> None:
        """A step was done, of which this stem's share took so long."""
        self._passes += len(self.guided.terms)
        self._timings["decode_tokens"] += seconds

    def set_guidance(self, guidance: Mapping[str, float]) -> None:
        """New guidance from the next step on; a number from 0 up for each source."""
        check_guidance(guidance)
        self.guided.set_guidance(guidance)

    def finish(self) -> None:
        """Fill what is open in one more step a level."""
        self.tokens.finish()

    def cancel(self) -> None:
        """Stop; `result` will raise `model.decoding.Cancelled`."""
        self.tokens.cancel()

    def result(self) -> StemResult:
        """Do the steps that are left and return the window.

        Raises:
            Cancelled: it was cancelled.
            ValueError: the network gave NaN.
        """
        while self.step():
            pass
        tokens = self.tokens.result()
        started = time.perf_counter()
        audio = self._generator.decode(tokens, self._lead)
        timings = {**self._timings, "decode_audio": time.perf_counter() - started}
        return StemResult(
            tokens.cpu().numpy().astype(np.int16),
            audio.cpu().numpy(),
            timings,
            self.tokens.steps_done,
            self._passes,
        )


def _frames(told: np.ndarray, request: StemRequest, device: torch.device) -> Tensor:
    """What a request tells frame by frame, as a batch of one; zeros where it tells nothing."""
    whole = told if len(told) else np.zeros((request.frames, *told.shape[1:]), told.dtype)
    return torch.from_numpy(whole).to(device)[None]


class StemGenerator:
    """Codec and network on a device, ready to decode."""

    def __init__(self, codec: LoadedCodec, network: StemNetwork, device: torch.device):
        self.codec, self.network = codec.to(device), network.to(device)
        self.torch_device = device
        self._contexts = ContextEncoder(self.codec)
        self._abilities = _abilities(network)

    @property
    def device(self) -> str:
        """What it computes on: `cpu`, `cuda` or `mps`."""
        return self.torch_device.type

    @property
    def max_frames(self) -> int:
        """Longest window that the network was trained on."""
        return self.network.config.frames

    @property
    def abilities(self) -> Abilities:
        """How the network works, and what it may be told."""
        return self._abilities

    def sound_of(self, recording: np.ndarray) -> np.ndarray:
        """What an instrument sounds like in a recording of it alone [samples], 32 kHz mono.

        Returns:
            float32 [width], for `StemRequest.sound`; [0] if this network is told no sound.
        """
        if not self.abilities.sounds.size:
            return np.zeros(0, np.float32)
        frames = max(1, len(recording) // HOP)
        audio = np.zeros(frames * HOP, np.float32)
        audio[: len(recording)] = recording[: len(audio)]
        audio *= context_gain(torch.from_numpy(audio))
        tokens = self.encode(torch.from_numpy(audio))[None]
        sounding = torch.from_numpy(sounding_frames(audio)).to(tokens.device)
        codebooks = self.network.codebooks[:, : self.network.config.vocabulary]
        return sound_of(codebooks, tokens, sounding[None])[0].cpu().numpy()

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [samples], 32 kHz -> tokens [Q, frames]."""
        with torch.inference_mode(), autocast(self.torch_device):
            return self.codec.encode(audio.to(self.torch_device)[None])[0]

    def hear(self, context: Tensor, first_frame: int) -> Tensor:
        """Leveled context [frames * 640] -> tokens [Q, frames]; what was heard before is kept.

        Args:
            first_frame: of the window, see `StemRequest`.
        """
        return self._contexts.encode(context, first_frame)

    def decode(self, tokens: Tensor, lead: Tensor | None = None) -> Tensor:
        """Tokens [Q, frames] -> audio [frames * 640], float32; `lead` [k * 640] as in `Codec`."""
        with torch.inference_mode(), autocast(self.torch_device):
            return self.codec.decode(tokens[None], None if lead is None else lead[None])[0].float()

    def silence(self, frames: int) -> np.ndarray:
        """Tokens of silence: int16 [Q, frames]."""
        return self.encode(torch.zeros(frames * HOP)).cpu().numpy().astype(np.int16)

    def start(self, request: StemRequest) -> StemDecoding:
        """Encode what the request hears and begin to decode; no step is done yet."""
        return StemDecoding(self, request)

    def start_together(self, requests: Sequence[StemRequest]) -> BatchDecoding:
        """Begin several stems that are decoded together; see `BatchDecoding`."""
        return BatchDecoding(self, requests)


def _abilities(network: StemNetwork) -> Abilities:
    config = network.config
    told = Abilities(
        in_depth=config.fine == "depth",
        guided=config.guided,
        guesses=config.guesses,
        sources=config.sources,
    )
    if "sound" not in config.sources:
        return told
    return replace(told, sounds=network.sounds.cpu().numpy())


def load_generator(device: str = "auto", weights: Path | None = None) -> StemGenerator:
    """The bundled generator, or the one in the folder `weights` (codec and stemgen .safetensors).

    Raises:
        ValueError: no such device; `CheckpointError` (a ValueError) for the files.
    """
    where = pick_device(device)
    codec = load_grid_codec(weights / CODEC_FILE.name if weights else CODEC_FILE)
    network = load_network(
        weights / STEMGEN_FILE.name if weights else STEMGEN_FILE, fingerprint(codec)
    )
    return StemGenerator(codec, network, where)
