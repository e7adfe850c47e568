"""The training of the codec: it learns, revives dead codes, and resumes exactly."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from model.checkpoint import load_codec
from model.frame_codec import FrameCodec
from model.grid import HOP
from tests.training.interruption import assert_interrupting_changes_nothing
from training.codec.augment import samples_needed
from training.codec.data import CodecCrops
from training.codec.train import CodecTraining, evaluate, revive_dead_codes, train_codec
from training.errors import TrainingError
from training.loop import learning_rate
from training.songs import song_folders

CPU = torch.device("cpu")


@given(
    steps=st.integers(1, 5000),
    peak=st.floats(1e-5, 1e-2),
    warmup=st.integers(1, 400),
    at=st.floats(0, 1),
)
def test_the_learning_rate_rises_and_falls_and_is_never_zero(steps, peak, warmup, at):
    step = int(at * steps)
    rate = learning_rate(step, steps, peak, warmup)
    assert 0 < rate <= peak * 1.000001
    if step + 1 < warmup:
        assert rate < learning_rate(step + 1, steps, peak, warmup)
    elif step >= warmup:
        assert learning_rate(step + 1, steps, peak, warmup) <= rate


def test_the_learning_rate_ends_at_a_fiftieth():
    assert learning_rate(300, 4000, 6e-4, 300) == pytest.approx(6e-4)
    assert learning_rate(4000, 4000, 6e-4, 300) == pytest.approx(6e-4 / 50)


# -- dead codes ----------------------------------------------------------------------------------


def test_a_revived_code_changes_entry_average_and_size_together(toy_codec_config):
    torch.manual_seed(0)
    codec = FrameCodec(toy_codec_config).train()
    latent = codec.latent(0.1 * torch.randn(4, 40 * HOP)).detach()
    books = [layer._codebook for layer in codec.quantizer.layers]
    before = []
    for book in books:
        book.cluster_size.fill_(1.0)
        book.cluster_size[[3, 700, 2047]] = 0.01
        before.append({name: value.clone() for name, value in book.state_dict().items()})
    revive_dead_codes(codec, latent)
    dead = torch.zeros(2048, dtype=torch.bool)
    dead[[3, 700, 2047]] = True
    residual = latent
    for layer, book, old in zip(codec.quantizer.layers, books, before, strict=True):
        assert torch.equal(book.embed[~dead], old["embed"][~dead])
        assert torch.equal(book.embed_avg[~dead], old["embed_avg"][~dead])
        assert bool((book.cluster_size == 1).all())
        assert torch.equal(book.embed[dead], book.embed_avg[dead]), "average / size is the entry"
        vectors = layer.project_in(residual).flatten(0, 1)
        nearest = torch.cdist(book.embed[dead], vectors).min(1).values
        assert float(nearest.max()) < 1e-2, "an entry of what this level is given"
        found = layer.encode(residual.transpose(1, 2))
        residual = residual - layer.decode(found).transpose(1, 2)


def test_a_revived_code_survives_the_quantisers_next_step(toy_codec_config):
    """The library recomputes entries from their averages: they must agree."""
    torch.manual_seed(0)
    codec = FrameCodec(toy_codec_config).train()
    latent = codec.latent(0.1 * torch.randn(4, 40 * HOP)).detach()
    revive_dead_codes(codec, latent, threshold=math.inf)
    book = codec.quantizer.layers[0]._codebook
    before = book.embed.clone()
    codec.quantizer(latent.transpose(1, 2), 4)
    moved = (book.embed - before).norm(dim=1) / before.norm(dim=1)
    assert float(moved.median()) < 0.1


def test_codes_in_use_are_left_alone(toy_codec_config):
    torch.manual_seed(0)
    codec = FrameCodec(toy_codec_config).train()
    for layer in codec.quantizer.layers:
        layer._codebook.cluster_size.fill_(1.0)
    before = {name: value.clone() for name, value in codec.state_dict().items()}
    revive_dead_codes(codec, codec.latent(torch.randn(1, 10 * HOP)))
    for name, value in codec.state_dict().items():
        assert torch.equal(value, before[name]), name


# -- learning ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batch(band) -> torch.Tensor:
    crops = CodecCrops(song_folders(band, "train"), [], samples_needed(16 * HOP), 1, 0.0)
    return torch.stack([crops[number] for number in range(4)])


def test_a_few_steps_lower_the_loss(toy_codec_config, batch):
    torch.manual_seed(0)
    training = CodecTraining(FrameCodec(toy_codec_config), CPU, 600, 1, 5e-3, 16)
    figures = [training.step(step, batch) for step in range(60)]
    losses = [figure["loss"] for figure in figures]
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-9:]) < 0.8 * sum(losses[:9])
    terms = {name for name in figures[0] if not name.startswith("codes_used_")} - {"loss"}
    assert terms > {"bins", "attack", "notes", "commitment"}
    assert figures[0]["loss"] == pytest.approx(sum(figures[0][name] for name in terms), rel=1e-4)


def test_a_step_depends_on_its_number_alone_not_on_what_was_drawn_before(toy_codec_config, batch):
    results = []
    for noise in (0, 1000):
        torch.manual_seed(0)
        codec = FrameCodec(toy_codec_config)
        training = CodecTraining(codec, CPU, 600, 1, 1e-3, 16)
        for step in range(3):
            torch.rand(noise)
            training.step(step, batch)
        results.append({name: value.clone() for name, value in codec.state_dict().items()})
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name]), name


def test_evaluation_gives_finite_distances_and_leaves_the_codec_as_it_was(toy_codec_config, batch):
    torch.manual_seed(0)
    codec = FrameCodec(toy_codec_config)
    before = {name: value.clone() for name, value in codec.state_dict().items()}
    figures = evaluate(codec, CPU, list(batch[:, : 16 * HOP]))
    assert set(figures) == {
        "log_mel_db_levels_1",
        "log_mel_db_levels_4",
        "chroma_levels_1",
        "chroma_levels_4",
    }
    assert all(0 < value < 200 for value in figures.values())
    for name, value in codec.state_dict().items():
        assert torch.equal(value, before[name]), name


# -- whole runs ----------------------------------------------------------------------------------


def test_a_run_that_was_interrupted_ends_as_the_unbroken_one_bit_for_bit(
    tmp_path, band, toy_codec_config, monkeypatch
):
    def go(out: Path, seed: int = 1) -> Path:
        sizes = {"batch": 2, "crop_frames": 16, "seed": seed, "threads": 1}
        return train_codec(band, out, [], 6, **sizes, device="cpu", config=toy_codec_config)

    straight = assert_interrupting_changes_nothing(monkeypatch, CodecTraining, tmp_path, go)
    assert load_codec(straight).config == toy_codec_config
    with pytest.raises(TrainingError, match=r"seed=1.*seed=2"):
        go(tmp_path / "broken", seed=2)


SCRIPT = """
import sys
from pathlib import Path
from model.frame_codec import FrameCodecConfig
from training.codec.train import train_codec
from training.errors import Stopped

if __name__ == "__main__":
    config = FrameCodecConfig(width=16, encoder_blocks=1, decoder_blocks=1)
    try:
        train_codec(
            Path(sys.argv[1]), Path(sys.argv[2]), [], 100_000, batch=1, crop_frames=8,
            device="cpu", threads=1, config=config,
        )
    except Stopped as stopped:
        print(stopped)
"""


def test_ctrl_c_reaches_the_whole_process_group_and_ends_the_run_in_order(tmp_path, band):
    """A terminal sends it to the process that makes the batches as well."""
    run = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(band), str(tmp_path)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "log.jsonl"
    try:
        give_up = time.monotonic() + 90
        while not (log.exists() and log.stat().st_size) and run.poll() is None:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGINT)
        said, errors = run.communicate(timeout=60)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, errors
    assert "Traceback" not in errors
    with safe_open(tmp_path / "run.safetensors", "pt") as file:
        assert int(file.metadata()["step"]) >= 50
    assert "of 100000; the same command goes on from there" in said
