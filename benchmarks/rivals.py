"""How long a stem's tokens take beside two other generators of the same size, in one run.

    pip install transformers einops beartype tqdm rotary-embedding-torch gateloop-transformer
    pip install einx hyper-connections && pip install --no-deps soundstorm-pytorch
    python -m benchmarks.rivals [--threads N] [--repeats 5] [--weights FOLDER]

The rivals are soundstorm-pytorch, which decodes masked tokens level by level as we do, and the
decoder of MusicGen as `transformers` has it, one frame after the other with its keys and values
kept, and with guidance. Both have about as many parameters in their trunks as ours and fill as many
frames of 4 levels; neither is trained, since only time is asked for. Codecs are left out on every
side. Two cases: a whole window of four bars at 120 BPM with nothing given, and the last bar of it
with three given. Medians; run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import torch
from torch import nn

from companion.generate.warmup import BAR_FRAMES
from model.checkpoint import LoadedCodec
from model.decoding import FrameDecoding, TokenDecoding
from model.device import autocast
from model.frame_codec import FrameCodec
from model.generator import GuidedNetwork, load_generator
from model.grid import LEVELS, VOCABULARY
from model.network import StemNetwork
from model.pitch import PITCHES
from model.request import HARMONY_WIDTH, DecodeSettings
from model.sources import Sources
from training.stemgen.settings import SIZES

FRAMES = 4 * BAR_FRAMES
GUIDANCE = {"audio": 3.0, "clock": 3.0}
NOT_INSTALLED = {
    "spear_tts_pytorch": ["TextToSemantic"],
    "audiolm_pytorch": ["SoundStream", "HubertWithKmeans", "FairseqVQWav2Vec"],
}
"""What soundstorm-pytorch imports for its text and its codec, which are not used here."""


def main() -> None:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--weights", type=Path, default=None)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    network = load_generator("cpu", options.weights).network if options.weights else untrained()
    size = trunk_size(network.trunk)
    print(f"{torch.get_num_threads()} threads; our trunk {size / 1e6:.1f} M parameters")
    for text, given, rival in (
        ("a whole window, nothing given", 0, soundstorm(size)),
        ("one bar behind three", FRAMES - BAR_FRAMES, musicgen(size)),
    ):
        name, call = rival(given)
        theirs = timed(call, options.repeats)
        ours = timed(partial(decode, network, given), options.repeats)
        print(f"{text}: ours {ours:.3f} s, {name} {theirs:.3f} s: {theirs / ours:.1f} times")


def untrained() -> StemNetwork:
    """A network of the sizes that `python -m training stemgen` trains, guidance an input."""
    network = StemNetwork(replace(SIZES["own"].network, fine="depth", guided=True))
    codec: LoadedCodec = FrameCodec()
    network.start_from_codebooks(codec.codebooks())
    return network.eval()


def decode(network: StemNetwork, given: int) -> None:
    """Our stem: read what is given, then fill the rest."""
    sources = Sources(
        context=torch.zeros(1, LEVELS, FRAMES, dtype=torch.long),
        guessed=torch.zeros(1, FRAMES, dtype=torch.bool),
        pitches=torch.zeros(1, FRAMES, PITCHES),
        instrument=torch.tensor([4]),
        phase=torch.zeros(1, FRAMES, 4),
        clock_known=torch.ones(1, dtype=torch.bool),
        harmony=torch.zeros(1, FRAMES, HARMONY_WIDTH),
        harmony_known=torch.zeros(1, FRAMES, dtype=torch.bool),
        sound=torch.zeros(1, network.sound_width),
        sound_known=torch.zeros(1, dtype=torch.bool),
    )
    prefix = torch.zeros(LEVELS, given, dtype=torch.long)
    guided = GuidedNetwork(network, sources, prefix, GUIDANCE, "distilled")
    kind = FrameDecoding if network.config.fine == "depth" else TokenDecoding
    decoding = kind(prefix, FRAMES, DecodeSettings(), 1, guided)
    while decoding.step():
        pass


Rival = Callable[[int], tuple[str, Callable[[], object]]]


def soundstorm(size: int) -> Rival:
    """soundstorm-pytorch with its own number of steps, and no guidance: it has none."""
    for module, names in NOT_INSTALLED.items():
        stub = ModuleType(module)
        for name in names:
            setattr(stub, name, type(name, (), {}))
        sys.modules.setdefault(module, stub)
    # Its `__init__` brings its training along, which needs the others: the module alone.
    spec = find_spec("soundstorm_pytorch")
    if spec is None:
        raise SystemExit(
            "soundstorm_pytorch is missing; valid: pip install it as this file says at its top"
        )
    os.environ.setdefault("TQDM_DISABLE", "1")
    package = ModuleType("soundstorm_pytorch")
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["soundstorm_pytorch"] = package
    from soundstorm_pytorch.soundstorm import (  # type: ignore[import-not-found]
        ConformerWrapper,
        SoundStorm,
    )

    def build(depth: int) -> Any:
        return ConformerWrapper(
            codebook_size=VOCABULARY,
            num_quantizers=LEVELS,
            conformer={"dim": 256, "depth": depth, "heads": 4, "num_residual_streams": 1},
        )

    net = nearest(build, size, lambda made: made.conformer)
    storm = SoundStorm(net).eval()

    def whole() -> object:
        with torch.inference_mode(), autocast(torch.device("cpu")):
            return storm.generate(num_latents=FRAMES, batch_size=1)

    return lambda given: (f"soundstorm-pytorch ({describe(net.conformer)})", whole)


def musicgen(size: int) -> Rival:
    """MusicGen's decoder, two passes in a batch for its guidance."""
    sys.modules.setdefault("torchaudio", None)  # type: ignore[arg-type]  # not needed here
    from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

    def build(depth: int) -> Any:
        return MusicgenForCausalLM(
            MusicgenDecoderConfig(
                vocab_size=VOCABULARY,
                hidden_size=256,
                num_hidden_layers=depth,
                ffn_dim=1024,
                num_attention_heads=4,
                num_codebooks=LEVELS,
                audio_channels=1,
            )
        )

    model = nearest(build, size, lambda made: made.model.decoder.layers).eval()

    def after(given: int) -> Callable[[], object]:
        return lambda: tell(model, given, FRAMES - given + LEVELS - 1)

    return lambda given: (f"MusicGen ({describe(model.model.decoder.layers)})", after(given))


@torch.inference_mode()
def tell(model: Any, given: int, places: int) -> None:
    """MusicGen's decoder from place to place: what is given is read once, keys and values kept."""
    passes = 2  # with the condition and without
    tokens = torch.zeros(passes * LEVELS, max(given, 1), dtype=torch.long)
    past = None
    for _ in range(places):
        with autocast(torch.device("cpu")):
            told = model(input_ids=tokens, cache=past, use_cache=True)
        past = told.cache
        logits = told.logits[:, -1].float().view(passes, LEVELS, -1)
        guided = logits[1] + 3.0 * (logits[0] - logits[1])
        chosen = torch.multinomial(torch.softmax(guided, -1), 1)
        tokens = chosen.repeat(passes, 1)


def nearest(build: Callable[[int], Any], size: int, trunk: Callable[[Any], nn.Module]) -> Any:
    """The depth whose trunk has the number of parameters nearest to `size`."""
    sizes = {depth: trunk_size(trunk(build(depth))) for depth in (1, 2)}
    layer = sizes[2] - sizes[1]
    depth = max(1, round(1 + (size - sizes[1]) / layer))
    return build(depth)


def trunk_size(trunk: nn.Module) -> int:
    """Parameters."""
    return sum(parameter.numel() for parameter in trunk.parameters())


def describe(trunk: nn.Module) -> str:
    """How large a trunk is, in words."""
    return f"{trunk_size(trunk) / 1e6:.1f} M"


def timed(call: Callable[[], object], repeats: int) -> float:
    """Median seconds, after one run to warm up."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return median(seconds[1:])


if __name__ == "__main__":
    main()
