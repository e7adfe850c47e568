"""The Encodec codec is the published model: same tokens, same sound, or a refusal by name."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoint import (
    CODEC_FILE,
    STEMGEN_FILE,
    CheckpointError,
    fingerprint,
    load_codec,
    save_network,
)
from model.codec import Codec
from model.encodec_codec import ENCODEC_24KHZ, ENCODEC_32KHZ, EncodecCodec, EncodecConfig
from model.encodec_weights import config_of, own_state
from model.generator import load_generator
from model.grid import HOP
from model.network import NetworkConfig, StemNetwork
from model.request import DecodeSettings, StemRequest

PUBLISHED = {
    # config.json of facebook/encodec_32khz, where it differs from the one of the 24 kHz model,
    # whose values are the defaults of `transformers.EncodecConfig`.
    "encodec_32khz": {
        "sampling_rate": 32_000,
        "upsampling_ratios": [8, 5, 4, 4],
        "num_filters": 64,
        "use_causal_conv": False,
        "use_conv_shortcut": False,
        "codebook_size": 2048,
        "target_bandwidths": [2.2],
    },
    "encodec_24khz": {},
}
TOY = EncodecConfig("toy", 8_000, (4, 2), 2, causal=False, true_skip=True, levels=2, vocabulary=8)


@pytest.fixture(scope="module")
def hugging_face() -> SimpleNamespace:
    """`transformers`, kept from importing whichever torchaudio is installed, broken or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchaudio", None)
        patch.setenv("HF_HUB_OFFLINE", "1")
        from transformers import EncodecConfig, EncodecModel

        return SimpleNamespace(EncodecConfig=EncodecConfig, EncodecModel=EncodecModel)


@dataclass(frozen=True)
class Pair:
    """The same random weights in `transformers` and, read from its file, in ours."""

    file: Path
    theirs: torch.nn.Module
    ours: EncodecCodec

    @torch.no_grad()
    def tokens(self, audio: torch.Tensor) -> torch.Tensor:
        highest = self.theirs.config.target_bandwidths[-1]
        return self.theirs.encode(audio[:, None], bandwidth=highest).audio_codes[0]

    @torch.no_grad()
    def sound(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.theirs.decode(tokens[None], [None]).audio_values[:, 0]


def name_of(config: EncodecConfig) -> str:
    return config.name


def only(config: EncodecConfig) -> Callable:
    return pytest.mark.parametrize("pair", [config], ids=name_of, indirect=True)


@pytest.fixture(scope="module", params=[ENCODEC_32KHZ, ENCODEC_24KHZ], ids=name_of)
def pair(request, hugging_face, tmp_path_factory):
    name = request.param.name
    torch.manual_seed(0)
    theirs = hugging_face.EncodecModel(hugging_face.EncodecConfig(**PUBLISHED[name])).eval()
    with torch.no_grad():
        for key, value in theirs.state_dict().items():
            if key.endswith("original0"):  # no longer the norm of the directions; and audible
                value.mul_(2.5 * (0.5 + torch.rand_like(value)))
            elif key.endswith(".conv.bias"):
                value.uniform_(-0.1, 0.1)
            elif key.endswith(".embed"):
                value.normal_(std=0.3)
    folder = tmp_path_factory.mktemp(name)
    theirs.save_pretrained(folder)
    path = folder / "model.safetensors"
    yield Pair(path, theirs, load_codec(path))
    path.unlink()  # it is large


def noise(*shape: int) -> torch.Tensor:
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("frames", [1 / 640, 0.4, 1, 1.3, 7, 20.9])
def test_tokens_and_sound_are_those_of_the_published_model(pair, frames):
    """At any length: nothing is padded before it is encoded."""
    hop = pair.ours.config.hop
    audio = noise(2, max(1, int(frames * hop)))
    tokens = pair.ours.encode(audio)
    assert tokens.shape == (2, pair.ours.levels, math.ceil(audio.shape[-1] / hop))
    assert (tokens == pair.tokens(audio)).all()
    sound = pair.ours.decode(tokens)
    assert sound.shape == (2, tokens.shape[-1] * hop) and sound.dtype == torch.float32
    torch.testing.assert_close(sound, pair.sound(tokens), atol=1e-4, rtol=0)


def test_what_is_compared_is_neither_silent_nor_all_the_same(pair):
    tokens = pair.ours.encode(noise(1, 20 * pair.ours.config.hop))
    used = [len(level.unique()) for level in tokens[0]]
    assert min(used) > 3
    assert float(pair.ours.decode(tokens).std()) > 0.05


def test_the_sizes_are_the_published_ones(pair):
    theirs, ours = pair.theirs.config, pair.ours
    assert ours.sample_rate == theirs.sampling_rate
    assert ours.frame_rate == theirs.frame_rate
    assert ours.levels == theirs.num_quantizers
    assert ours.vocabulary == theirs.codebook_size
    assert ours.config.hop == theirs.hop_length


def test_codebooks_are_the_published_ones(pair):
    books, published = pair.ours.codebooks(), load_file(pair.file)
    assert books.shape == (pair.ours.levels, pair.ours.vocabulary, 128)
    for level, book in enumerate(books):
        assert (book == published[f"quantizer.layers.{level}.codebook.embed"]).all()


def test_both_spellings_of_lengths_and_directions_are_read(pair):
    newer = load_file(pair.file)
    older = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in newer.items()
    }
    assert older.keys() != newer.keys()
    newer_state, older_state = (own_state(pair.ours, t) for t in (newer, older))
    assert all((newer_state[key] == older_state[key]).all() for key in newer_state)


def test_a_lead_changes_nothing(pair):
    hop = pair.ours.config.hop
    tokens = pair.ours.encode(noise(1, 3 * hop))
    assert (pair.ours.decode(tokens, noise(1, hop)) == pair.ours.decode(tokens)).all()


def test_half_precision_changes_nothing(pair):
    audio = noise(1, 10 * pair.ours.config.hop)
    tokens = pair.ours.encode(audio)
    with torch.autocast("cpu", torch.bfloat16):
        assert (pair.ours.encode(audio) == tokens).all()
        assert pair.ours.decode(tokens).dtype == torch.float32


# -- without weights -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy() -> EncodecCodec:
    torch.manual_seed(0)
    return EncodecCodec(TOY).eval()


def published_tensors(config: EncodecConfig) -> dict[str, torch.Tensor]:
    """What a file of these sizes holds: no values, so that it costs nothing."""
    with torch.device("meta"):
        state = EncodecCodec(config).state_dict()
    tensors = {}
    for key, value in state.items():
        name = key.replace(".model.", ".layers.").replace("._codebook.", ".codebook.")
        name = name.replace(".conv.conv.", ".conv.").replace(".convtr.convtr.", ".conv.")
        if name.endswith("conv.weight"):
            tensors[f"{name}_g"], tensors[f"{name}_v"] = value[:, :1, :1], value
        else:
            tensors[name] = value
    return tensors


def test_it_is_a_codec(toy):
    assert isinstance(toy, Codec)


@pytest.mark.parametrize("samples", [*range(1, 20), 800, 801, 807])
def test_lengths_are_exact_for_any_input(toy, samples):
    frames = math.ceil(samples / TOY.hop)
    tokens = toy.encode(torch.zeros(2, samples))
    assert tokens.shape == (2, 2, frames) and tokens.dtype == torch.int64
    assert toy.decode(tokens).shape == (2, frames * TOY.hop)


@pytest.mark.parametrize("config", [ENCODEC_32KHZ, ENCODEC_24KHZ], ids=name_of)
def test_the_file_tells_which_model_it_is(config):
    assert config_of(published_tensors(config)) is config


def refusal(change) -> str:
    tensors = published_tensors(TOY)
    change(tensors)
    with torch.device("meta"):
        codec = EncodecCodec(TOY)
    with pytest.raises(ValueError, match="do not fit toy") as caught:
        own_state(codec, tensors)
    return str(caught.value)


def test_missing_tensors_are_named():
    told = refusal(lambda tensors: tensors.pop("decoder.layers.0.conv.weight_g"))
    assert "missing: decoder.layers.0.conv.weight_g)" in told
    assert "valid: model.safetensors of facebook/encodec_32khz or" in told


def test_unexpected_tensors_are_named():
    told = refusal(lambda tensors: tensors.update({"encoder.layers.0.norm.bias": torch.ones(2)}))
    assert "unexpected: encoder.layers.0.norm.bias)" in told


def test_misshapen_tensors_are_named():
    told = refusal(lambda tensors: tensors.update({"encoder.layers.0.conv.bias": torch.ones(3)}))
    assert "misshapen: encoder.layers.0.conv.bias [3] in place of [2])" in told


def test_many_misfits_are_still_one_line():
    told = refusal(lambda tensors: tensors.clear())
    assert "more)" in told and "\n" not in told and len(told) < 400


def test_running_averages_are_not_asked_for(toy):
    tensors = {key: torch.ones(value.shape) for key, value in published_tensors(TOY).items()}
    training_only = [key for key in tensors if key.endswith(("inited", "cluster_size", "avg"))]
    assert len(training_only) == 3 * TOY.levels
    for key in training_only:
        del tensors[key]
    assert own_state(toy, tensors)


# -- files -----------------------------------------------------------------------------------


def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path):
    path = tmp_path / "model.safetensors"
    sections = ("encoder.layers.0", "decoder.layers.0", "quantizer.layers.0")
    save_file({f"{section}.x": torch.ones(1) for section in sections}, path, {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"model\.safetensors: its tensors do not fit enc"):
        load_codec(path)


def test_a_stranger_is_refused_by_name(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"lm_head.weight": torch.ones(1)}, path, {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"not one of ours; valid: .* facebook/encodec_32khz"):
        load_codec(path)


def test_pickled_weights_are_never_read(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"encoder.layers.0.conv.bias": torch.ones(64)}, path)
    with pytest.raises(CheckpointError, match=r"valid: a \.safetensors file \(pickled") as caught:
        load_codec(path)
    assert "\n" not in str(caught.value)


# -- with a network --------------------------------------------------------------------------


def folder_of_weights(pair: Pair, folder: Path, codec_name: str | None = None) -> Path:
    """What `load_generator` reads: the published file, and a network trained with its tokens."""
    (folder / CODEC_FILE.name).symlink_to(pair.file)
    network = StemNetwork(NetworkConfig(width=32, layers=1, heads=2, frames=64, code_width=128))
    if pair.ours.config is ENCODEC_32KHZ:
        network.start_from_codebooks(pair.ours.codebooks())
    save_network(folder / STEMGEN_FILE.name, network, codec_name or fingerprint(pair.ours))
    return folder


@only(ENCODEC_32KHZ)
def test_a_generator_plays_through_it(pair, tmp_path):
    generator = load_generator("cpu", folder_of_weights(pair, tmp_path))
    assert generator.silence(3).shape == (4, 3)
    request = StemRequest(
        context=noise(12 * HOP).numpy(),
        context_known=np.ones(12, np.bool_),
        phase=np.zeros((12, 4), np.float32),
        prefix=generator.silence(4),
        frames=12,
        instrument=4,
        guidance={"audio": 2.0, "instrument": 1.5, "clock": 1.0},
        decode=DecodeSettings(steps=(2, 1, 1, 1)),
        seed=3,
        lead=np.zeros(4 * HOP, np.float32),
    )
    result = generator.start(request).result()
    assert result.audio.shape == (12 * HOP,) and np.isfinite(result.audio).all()
    assert (result.tokens[:, :4] == request.prefix).all()


@only(ENCODEC_32KHZ)
def test_a_network_that_was_trained_with_another_codec_is_refused(pair, toy_codec, tmp_path):
    other, own = fingerprint(toy_codec), fingerprint(pair.ours)
    folder = folder_of_weights(pair, tmp_path, other)
    with pytest.raises(CheckpointError, match=f"with codec {other}, the codec here is {own}"):
        load_generator("cpu", folder)


@only(ENCODEC_24KHZ)
def test_a_codec_of_other_sizes_is_refused_where_the_network_needs_its_own(pair, tmp_path):
    folder = folder_of_weights(pair, tmp_path)
    sizes = "24000 Hz, 75 frames/s and 32 levels of 1024; valid here: 32000 Hz, 50 frames/s and 4"
    with pytest.raises(CheckpointError, match=sizes):
        load_generator("cpu", folder)
