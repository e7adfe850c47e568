"""A checkpoint brings a run back exactly, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from training.errors import TrainingError
from training.state import load_state, save_state

SETTINGS = {"seed": 1, "peak": 6e-4, "sizes": {"width": 4, "levels": (1, 2)}}


def make_run(seed: int) -> tuple[nn.Module, list[torch.optim.Optimizer]]:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    matrices = [p for p in module.parameters() if p.ndim == 2]
    others = [p for p in module.parameters() if p.ndim != 2]
    return module, [torch.optim.Muon(matrices, 1e-2), torch.optim.AdamW(others, 1e-2)]


def train(
    module: nn.Module, optimizers: list[torch.optim.Optimizer], first: int, last: int
) -> None:
    for step in range(first, last):
        generator = torch.Generator().manual_seed(step)
        loss = module(torch.randn(5, 3, generator=generator)).square().sum()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    ours, theirs = one.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_a_resumed_run_is_the_unbroken_run_bit_for_bit(tmp_path):
    straight = make_run(0)
    train(*straight, 0, 6)
    first = make_run(0)
    train(*first, 0, 3)
    save_state(tmp_path / "run.safetensors", *first, 3, SETTINGS)
    second = make_run(99)
    assert load_state(tmp_path / "run.safetensors", *second, SETTINGS) == 3
    train(*second, 3, 6)
    assert_same_weights(straight[0], second[0])


def test_buffers_are_part_of_the_run(tmp_path):
    """Running averages (a codec's codebooks are such) resume too."""
    run = make_run(0)
    train(*run, 0, 2)
    save_state(tmp_path / "run.safetensors", *run, 2, SETTINGS)
    other = make_run(1)
    load_state(tmp_path / "run.safetensors", *other, SETTINGS)
    assert torch.equal(other[0][1].running_mean, run[0][1].running_mean)
    assert int(other[0][1].num_batches_tracked) == 2


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({**SETTINGS, "seed": 2}, "seed=1"),
        ({**SETTINGS, "sizes": {"width": 8, "levels": (1, 2)}}, "sizes"),
        ({"seed": 1, "peak": 6e-4}, "sizes"),
        ({**SETTINGS, "more": True}, "more=None"),
    ],
)
def test_other_settings_are_refused_and_named(tmp_path, settings, named):
    path = tmp_path / "run.safetensors"
    save_state(path, *make_run(0), 3, SETTINGS)
    with pytest.raises(TrainingError) as error:
        load_state(path, *make_run(0), settings)
    assert named in str(error.value)
    assert "--out" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_refused_checkpoint_changes_nothing(tmp_path):
    path = tmp_path / "run.safetensors"
    save_state(path, *make_run(0), 3, SETTINGS)
    module, optimizers = make_run(1)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(TrainingError):
        load_state(path, module, optimizers, {**SETTINGS, "seed": 7})
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_what_is_no_checkpoint_is_refused(tmp_path):
    module, optimizers = make_run(0)
    path = tmp_path / "run.safetensors"
    save_file({"weight": torch.zeros(2)}, path, {"kind": "codec"})
    with pytest.raises(TrainingError, match="not a training checkpoint"):
        load_state(path, module, optimizers, SETTINGS)
    for content in (b"", b"RIFF....WAVE", b"\x00" * 100):
        path.write_bytes(content)
        with pytest.raises(TrainingError, match="cannot be read"):
            load_state(path, module, optimizers, SETTINGS)


def test_a_cut_off_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    save_state(path, *make_run(0), 3, SETTINGS)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(TrainingError, match="cannot be read"):
        load_state(path, *make_run(0), SETTINGS)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch):
    path = tmp_path / "run.safetensors"
    save_state(path, *make_run(0), 3, SETTINGS)

    def half(tensors: object, target: Path, metadata: object) -> None:
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("training.state.save_file", half)
    with pytest.raises(OSError, match="disk full"):
        save_state(path, *make_run(0), 4, SETTINGS)
    assert load_state(path, *make_run(0), SETTINGS) == 3
