"""Without the extra every command still helps, and says in one line what it would need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from training.__main__ import COMMANDS, NEED_NO_EXTRA

ROOT = Path(__file__).parents[2]

CHILD = """
import contextlib, importlib.util, io, json, sys
from importlib.metadata import requires

wanted = [need for need in requires("companion") if 'extra == "train"' in need]
packages = {need.split(">")[0].strip() for need in wanted}
assert "tensorboard" in packages

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

importlib.util.find_spec = lambda name, find=importlib.util.find_spec: (
    None if name in packages else find(name)
)
sys.meta_path.insert(0, NotInstalled())
from training.__main__ import main

ended = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["training", *arguments]
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    ended.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(ended))
"""


def without_the_extra(*commands: Sequence[object]) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each command, one after the other."""
    asked = json.dumps([list(map(str, command)) for command in commands])
    run = subprocess.run(
        [sys.executable, "-c", CHILD, asked], capture_output=True, text=True, timeout=240
    )
    assert run.returncode == 0, run.stderr
    return [(code, out, err) for code, out, err in json.loads(run.stdout.splitlines()[-1])]


def test_every_command_helps() -> None:
    for code, out, err in without_the_extra(*[(command, "--help") for command in COMMANDS]):
        assert (code, err) == (0, "")
        assert "Usage" in out


def test_what_is_missing_is_one_line_at_once() -> None:
    commands = [command for command in COMMANDS if command not in NEED_NO_EXTRA]
    for code, out, err in without_the_extra(*[(command,) for command in commands]):
        (line,) = err.splitlines()
        assert (code, out) == (2, "")
        assert line.startswith("error: ") and "tensorboard" in line
        assert line.endswith(" missing; valid: pip install 'companion[train]' first")


def test_what_needs_none_of_it_begins(tmp_path: Path) -> None:
    nowhere, recordings = tmp_path / "nowhere", ROOT / "tests" / "data" / "real"
    asked = {
        "band": ("--out", tmp_path / "band", "--songs", 0),
        "midi-band": (nowhere, "--out", tmp_path / "band"),
        "kit-loops": (nowhere, "--out", tmp_path / "kits"),
        "fit": (recordings, nowhere),
    }
    assert set(asked) == set(NEED_NO_EXTRA)
    for code, _, err in without_the_extra(*[(name, *rest) for name, rest in asked.items()]):
        (line,) = err.splitlines()
        assert code == 2 and line.startswith("error: ") and "missing; valid: pip" not in line
