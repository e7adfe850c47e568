"""Ctrl-C in the middle of a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from tests.training.tensors import assert_same_tensors
from training.errors import Stopped


def assert_interrupting_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, training: type, folder: Path, go: Callable[[Path], Path]
) -> Path:
    """A run that gets Ctrl-C in its second step and is gone on with ends as the unbroken one.

    Args:
        training: whose `step` is a step of the run.
        go: starts, or goes on with, the run in a folder and returns its weights file.

    Returns:
        the weights.
    """
    straight = go(folder / "straight")
    step: Any = training.step  # type: ignore[attr-defined]

    def interrupted(self: Any, number: int, batch: Any) -> dict[str, float]:
        if number == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, number, batch)

    with monkeypatch.context() as patch, pytest.raises(Stopped, match=r"step 2 of \d"):
        patch.setattr(training, "step", interrupted)
        go(folder / "broken")
    assert not (folder / "broken" / straight.name).exists(), "weights of half a run"
    with safe_open(folder / "broken" / "run.safetensors", "pt") as file:
        assert file.metadata()["step"] == "2"
    broken = go(folder / "broken")
    assert_same_tensors(straight, broken)
    one, other = (folder / name / "run.safetensors" for name in ("straight", "broken"))
    assert_same_tensors(one, other)  # the optimisers' moments too
    return straight
