"""What is typed after `companion listen-test` reaches the room, and errors are one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from companion.cli.app import app
from companion.control.preset import GeneratorPreset
from companion.listening import make as making
from companion.listening import server
from companion.listening.study import Study
from companion.system.errors import CompanionError
from tests.companion.listening.people import study_of


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["listen-test", *words], catch_exceptions=False)


def test_make_is_told_all_that_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    def make(*args: Any) -> Study:
        told.extend(args[:5])
        args[5]("rock, best")
        return study_of(8, 5)

    monkeypatch.setattr(making, "make", make)
    options = "--device", "cpu", "--weights", "w", "--musicgen", "m"
    done = run("make", "contexts", "-o", "study", *options)
    assert told == [
        *(Path("contexts"), Path("study"), GeneratorPreset(device="cpu")),
        *(Path("w"), Path("m")),
    ]
    assert done.output == "  rock, best\n8 contexts, 5 conditions\nstudy: study\n"


def test_a_device_that_is_none_is_named() -> None:
    with pytest.raises(CompanionError, match="device is 'gpu'; valid: auto, cuda, mps, cpu"):
        run("make", "contexts", "-o", "study", "--device", "gpu")


def test_only_this_machine_is_answered_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(server, "serve", lambda *args: told.append(args[:3]))
    run("serve", "study")
    run("serve", "study", "--host", "0.0.0.0", "--port", "80")
    assert told == [(Path("study"), "127.0.0.1", 8000), (Path("study"), "0.0.0.0", 80)]


def test_what_serving_needs_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "companion.listening.server")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(CompanionError, match=r"valid: pip install .*\[stage\]"):
        run("serve", "study")
