"""What is installed is what lies here: packages, data files and every library that is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = ("companion", "model", "training")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirements: list[str]) -> set[str]:
    return {normalised(re.split(r"[<>=!~ \[;]", line)[0]) for line in requirements}


def imported(folder: str) -> set[str]:
    """The distributions behind every import in a folder of ours, lazy ones included."""
    modules: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    # torchaudio is only looked for, to make encodec's own import of it work
    modules -= {*sys.stdlib_module_names, *OURS, "guide", "tests", "torchaudio"}
    owners = metadata.packages_distributions()
    return {normalised(owners[module][0]) if module in owners else module for module in modules}


def test_every_package_is_installed() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    here = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in OURS
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert listed == here | {"companion.presets"}


def test_presets_and_weights_are_found_by_package_name() -> None:
    presets = {entry.name for entry in resources.files("companion.presets").iterdir()}
    assert {"bass.yaml", "drums.yaml", "keys.yaml", "band.yaml"} <= presets
    folder = ROOT / "presets"
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["companion.presets"]
    packed = {path for pattern in patterns for path in folder.glob(pattern)}
    assert packed == set(folder.rglob("*.yaml"))
    weights = resources.files("model").joinpath("weights")
    assert any(entry.name.endswith(".safetensors") for entry in weights.iterdir())


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("companion", ["link", "remote", "stage"]),
        ("model", []),
        ("training", ["train"]),
        ("guide", ["dev"]),
        ("tests", ["train", "link", "remote", "stage", "dev"]),
    ],
)
def test_every_imported_library_is_declared(folder: str, extras: list[str]) -> None:
    declared = required(PROJECT["project"]["dependencies"])
    for extra in extras:
        declared |= required(PROJECT["project"]["optional-dependencies"][extra])
    assert imported(folder) <= declared


TOOLS = {"build", "import-linter", "mkdocs-material", "mypy", "pytest-cov", "pytest-xdist", "ruff"}
"""What is run and not imported."""
NAMED = {"tensorboard": "training/loop.py", "encodec": "model/encodec_library.py"}
"""What is imported by another library, or by its name, and the file that asks for it."""


def test_every_declared_library_is_used() -> None:
    used = set.union(*map(imported, (*OURS, "tests", "benchmarks")))
    used |= {name for name, file in NAMED.items() if name in (ROOT / file).read_text()}
    project = PROJECT["project"]
    declared = required(project["dependencies"])
    for extra, libraries in project["optional-dependencies"].items():
        assert libraries, extra
        declared |= required(libraries)
    assert declared - TOOLS <= used


def test_every_declared_library_is_pinned() -> None:
    pinned = {
        normalised(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    assert (
        required(
            project["dependencies"]
            + extras["stage"]
            + extras["remote"]
            + extras["train"]
            + extras["dev"]
        )
        <= pinned
    )
