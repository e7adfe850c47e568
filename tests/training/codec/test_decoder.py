"""The second stage: the decoder learns, the tokens stay, silence comes back as silence."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model.checkpoint import fingerprint, load_codec
from model.frame_codec import FrameCodec
from model.grid import HOP
from tests.training.interruption import assert_interrupting_changes_nothing
from training.__main__ import main
from training.codec import decoder, train
from training.codec.data import CodecCrops
from training.codec.decoder import DecoderTraining, train_decoder
from training.codec.discriminator import Discriminators
from training.codec.train import own_codec
from training.errors import TrainingError
from training.songs import song_folders

CPU = torch.device("cpu")
TRAINED = ("decoder_in.", "decoder.", "decoder_norm.", "head.")


@pytest.fixture
def codec(codec_weights) -> FrameCodec:
    return own_codec(codec_weights).eval()


@pytest.fixture(scope="module")
def batch(band) -> torch.Tensor:
    crops = CodecCrops(song_folders(band, "train"), [], 16 * HOP, 1, 0.0)
    return torch.stack([crops[number] for number in range(4)])


def small_discriminators() -> Discriminators:
    torch.manual_seed(0)
    return Discriminators(width=4)


# -- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("adversarial", [False, True])
def test_a_few_steps_lower_the_loss_and_touch_the_decoder_alone(codec, batch, adversarial):
    before = {name: value.clone() for name, value in codec.state_dict().items()}
    tokens = codec.encode(batch)
    judges = small_discriminators() if adversarial else None
    training = DecoderTraining(codec, CPU, 40, 5e-3, judges)
    losses = [training.step(step, batch)["loss"] for step in range(30)]
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < 0.8 * losses[0]
    for name, value in codec.state_dict().items():
        changed = not torch.equal(value, before[name])
        assert changed == name.startswith(TRAINED), name
    assert torch.equal(codec.encode(batch), tokens)


def test_discriminators_learn_beside_the_decoder(codec, batch):
    judges = small_discriminators()
    before = {name: value.clone() for name, value in judges.state_dict().items()}
    training = DecoderTraining(codec, CPU, 600, 5e-3, judges)
    figures = training.step(0, batch)
    assert set(figures) == {"loss", "telling"}
    assert figures["telling"] == pytest.approx(2.0, abs=0.3), "undecided at first"
    assert any(not torch.equal(v, before[n]) for n, v in judges.state_dict().items())


def test_the_adversarial_pull_is_a_share_of_the_distances_own(codec, batch):
    training = DecoderTraining(codec, CPU, 600, 5e-3, small_discriminators())
    original = codec.told_of(batch).spectra
    decoded = original + 0.3 * torch.randn(original.shape, generator=torch.Generator())
    for size in (1e-6, 10.0):
        pull = torch.full_like(decoded, size)
        adversarial = training._adversarial_pull(training.discriminators, decoded, original, pull)
        assert float(adversarial.norm() / pull.norm()) == pytest.approx(decoder.PRESSURE, rel=1e-3)


# -- whole runs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("adversarial", [False, True])
def test_a_run_that_was_interrupted_ends_as_the_unbroken_one_bit_for_bit(
    tmp_path, band, codec_weights, monkeypatch, adversarial
):
    monkeypatch.setattr(train, "load_grid_codec", load_codec)
    monkeypatch.setattr(decoder, "Discriminators", small_discriminators)
    monkeypatch.setattr(decoder, "evaluate", lambda *_: {})

    def go(out: Path, peak: float = 1e-3) -> Path:
        sizes = {"batch": 2, "crop_frames": 16, "peak": peak, "threads": 1}
        return train_decoder(codec_weights, band, out, [], 4, adversarial, **sizes, device="cpu")

    straight = assert_interrupting_changes_nothing(monkeypatch, DecoderTraining, tmp_path, go)
    with pytest.raises(TrainingError, match=r"peak=0.001.*peak=0.002"):
        go(tmp_path / "broken", peak=2e-3)

    start, end = load_file(codec_weights), load_file(straight)
    assert start.keys() == end.keys()
    for name, value in start.items():
        assert torch.equal(value, end[name]) or name.startswith(TRAINED), name
    assert not torch.equal(start["head.bias"], end["head.bias"])
    trained = load_codec(straight)
    assert fingerprint(trained) == fingerprint(load_codec(codec_weights))


def test_an_encodec_is_one_line(tmp_path, band, codec_weights, monkeypatch):
    monkeypatch.setattr(train, "load_grid_codec", lambda path: object())
    with pytest.raises(TrainingError, match="Encodec") as error:
        train_decoder(codec_weights, band, tmp_path, [], 1, device="cpu")
    assert str(codec_weights) in str(error.value)


def test_missing_weights_are_one_line(monkeypatch, capsys, tmp_path, band):
    weights = tmp_path / "none.safetensors"
    arguments = ["codec-decoder", "--band", band, "--start", weights, "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["training", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(weights) in line
