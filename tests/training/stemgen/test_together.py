"""However many processes share a run, whole or in shares, it is the same run, and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from model.checkpoint import load_network
from model.grid import LEVELS, VOCABULARY
from model.network import NetworkConfig, StemNetwork
from tests.training.stemgen.conftest import token_song
from tests.training.tensors import assert_same_tensors
from tests.training.together import run_together
from training.errors import TrainingError
from training.processes import Processes, part_of
from training.stemgen.run import train_stemgen
from training.stemgen.settings import StemgenSettings
from training.stemgen.train import StemgenTraining

STEPS = 20
SETTINGS = StemgenSettings(
    steps=STEPS, frames_a_step=256, short_frames=32, short_share=0.5, peak=2e-3, warmup=5
)
MODES = {"alone": (1, False), "ddp": (2, False), "fsdp": (2, True)}
"""How many processes, and whether each keeps a share of the network only."""


# -- the same curve ------------------------------------------------------------------------------


def curve(
    out: Path, config: NetworkConfig, settings: StemgenSettings, shard: bool, accumulate: int
) -> None:
    """Train on made-up songs, in float32, and write the loss of each step.

    In bfloat16 the gradients of each part would be rounded for themselves, to two digits.
    """
    with patch("model.device.has_bfloat16", return_value=False):
        _curve(out, config, settings, shard, accumulate)


def _curve(
    out: Path, config: NetworkConfig, settings: StemgenSettings, shard: bool, accumulate: int
) -> None:
    processes = Processes("cpu", shard) if "RANK" in os.environ else None
    torch.manual_seed(0)
    network = StemNetwork(config)
    network.start_from_codebooks(torch.randn(LEVELS, VOCABULARY, config.code_width))
    training = StemgenTraining(network, torch.device("cpu"), settings, processes, accumulate)
    batches = training.batches([token_song(number) for number in range(4)], 0)
    figures = [training.step(n, batch) for n, batch in enumerate(islice(batches, STEPS))]
    batches.close()
    averaged = training.whole_average()
    if processes is None or processes.writes:
        out.write_text(json.dumps(figures))
        torch.save(averaged.state_dict(), out.with_suffix(".pt"))
    if processes is not None:
        processes.leave()


def assert_same_curves(one: Path, other: Path) -> None:
    ours, theirs = json.loads(one.read_text()), json.loads(other.read_text())
    assert [figures.keys() for figures in ours] == [figures.keys() for figures in theirs]
    for step, (mine, its) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == pytest.approx(its, abs=1e-4), f"step {step}"
    weights, its_weights = (torch.load(path.with_suffix(".pt")) for path in (one, other))
    for name, value in weights.items():
        torch.testing.assert_close(its_weights[name], value, atol=1e-4, rtol=1e-3)
    losses = [figures["loss"] for figures in ours]
    assert sum(losses[-5:]) < sum(losses[:5]) - 0.5, "it learns: there is something to compare"


def test_two_processes_learn_what_one_learns_from_twice_as_much(tmp_path, fine_config):
    one, parts, two = (tmp_path / f"{name}.json" for name in ("one", "parts", "two"))
    curve(one, fine_config, SETTINGS, False, 1)
    curve(parts, fine_config, SETTINGS, False, 3)
    assert_same_curves(one, parts)
    assert run_together(2, curve, two, fine_config, SETTINGS, False, 1) == [0, 0]
    assert_same_curves(one, two)


def test_and_so_do_two_that_keep_a_share_of_the_network_each(tmp_path, deep_config):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    # Muon asks for whole matrices all the time: three times as long here.
    settings = replace(SETTINGS, optimizer="adamw")
    curve(one, deep_config, settings, False, 1)
    assert run_together(2, curve, two, deep_config, settings, True, 2) == [0, 0]
    assert_same_curves(one, two)


@pytest.mark.parametrize("count", [1, 7, 8, 40])
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_parts_are_all_there_is_in_order(count, parts):
    rows = [part_of(count, number, parts) for number in range(parts)]
    assert [n for part in rows for n in range(count)[part]] == list(range(count))
    sizes = [part.stop - part.start for part in rows]
    assert max(sizes) - min(sizes) <= 1


# -- killed and gone on with ---------------------------------------------------------------------


def go(
    out: Path,
    band: Path,
    codec: Path,
    config: NetworkConfig,
    shard: bool,
    die_at: int | None,
    optimizer: str,
) -> None:
    """A run of four steps with a checkpoint after each; its last process dies in one."""
    step = StemgenTraining.step
    last = int(os.environ.get("RANK", "0")) + 1 == int(os.environ.get("WORLD_SIZE", "1"))

    def dying(self: StemgenTraining, number: int, batch: Any) -> dict[str, float]:
        if number == die_at and last:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, number, batch)

    with (
        patch.object(StemgenTraining, "step", dying),
        patch("model.device.has_bfloat16", return_value=False),
    ):
        train_stemgen(
            band,
            codec,
            out,
            replace(SETTINGS, steps=4, optimizer=optimizer),
            config,
            device="cpu",
            workers=1,
            threads=1,
            shard_network=shard,
            checkpoint_every_s=-1.0,
        )


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_was_killed_goes_on_exactly(
    tmp_path, encoded_out, band, codec_weights, toy_network_config, mode
):
    world, shard = MODES[mode]
    rest = (band, codec_weights, toy_network_config, shard)
    optimizer = "adamw" if shard else "muon"
    for name in ("straight", "killed"):
        shutil.copytree(encoded_out / "shards", tmp_path / name / "shards")
    assert run_together(world, go, tmp_path / "straight", *rest, None, optimizer) == [0] * world
    assert run_together(world, go, tmp_path / "killed", *rest, 2, optimizer)[-1] == -signal.SIGKILL
    with safe_open(tmp_path / "killed" / "run.safetensors", "pt") as file:
        assert file.metadata()["step"] == "2"
    assert not (tmp_path / "killed" / "stemgen.safetensors").exists()
    shutil.copytree(tmp_path / "killed", tmp_path / "elsewhere")
    assert run_together(world, go, tmp_path / "killed", *rest, None, optimizer) == [0] * world
    for file in ("run.safetensors", "stemgen.safetensors"):
        assert_same_tensors(tmp_path / "straight" / file, tmp_path / "killed" / file)
    if not shard:
        return
    # What several kept in shares opens in one, and goes on there as it would have together.
    go(tmp_path / "elsewhere", *rest[:3], False, None, "adamw")
    one, two = (load_file(tmp_path / n / "run.safetensors") for n in ("straight", "elsewhere"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-4, rtol=1e-3)
    width = load_network(tmp_path / "elsewhere" / "stemgen.safetensors").config.width
    assert width == toy_network_config.width


@pytest.mark.long
def test_torchrun_trains_and_one_process_tells(tmp_path, encoded_out, band, codec_weights):
    shutil.copytree(encoded_out / "shards", tmp_path / "shards")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command = ["-m", "training", "stemgen", "--band", band, "--codec", codec_weights, "--shard"]
    sizes = ["--size", "tiny", "--steps", "2", "--device", "cpu", "--threads", "1"]
    done = subprocess.run(
        [*torchrun, *map(str, [*command, "--out", tmp_path, *sizes])],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("weights: ") == 1
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    load_network(tmp_path / "stemgen.safetensors")


# -- what cannot be shared -----------------------------------------------------------------------


def test_shares_of_a_process_alone_are_refused():
    with pytest.raises(TrainingError, match="valid: start it with torchrun"):
        Processes("cpu", shard=True)


def test_more_parts_than_windows_are_refused(songs, toy_network_config):
    network = StemNetwork(toy_network_config)
    training = StemgenTraining(network, torch.device("cpu"), SETTINGS, accumulate=9)
    with pytest.raises(TrainingError, match="a step has 8 windows; valid: one for each of 9 parts"):
        next(training.batches(songs, 0))


def test_the_baseline_is_not_shared(tmp_path, band, codec_weights, toy_network_config):
    with pytest.raises(TrainingError, match="valid for the baseline and with a teacher: one"):
        train_stemgen(
            band,
            codec_weights,
            tmp_path,
            SETTINGS,
            toy_network_config,
            baseline=True,
            device="cpu",
            accumulate=2,
        )
