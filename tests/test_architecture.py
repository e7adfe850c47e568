"""docs/architecture.md says what is so."""

from __future__ import annotations

import configparser
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
FOLDERS = (
    *("companion/", "model/", "training/", "tests/", "examples/", "presets/", "benchmarks/"),
    *("docs/", "guide/"),
)


def contract(name: str) -> list[str]:
    """The lines of a contract's layers, from the top."""
    read = configparser.ConfigParser(allow_no_value=True)
    read.read(ROOT / ".importlinter")
    return read[f"importlinter:contract:{name}"]["layers"].split("\n")[1:]


def test_the_rooms_are_drawn_as_their_imports_are_held() -> None:
    drawing = PAGE.split("```")[1].split("\n")[1:-1]
    assert drawing == [layer for layer in contract("rooms") if layer != "__main__"]


def test_every_room_has_its_row_and_says_what_it_offers() -> None:
    rooms = {path.parent.name for path in (ROOT / "companion").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \|.*`(?:\w+/\w+\.py)` \|$", PAGE, re.M)) == rooms
    for room in rooms:
        offered = import_module(f"companion.{room}").__doc__ or ""
        assert len(offered) > 150 or room == "demo", room


def files() -> list[str]:
    return sorted(set(re.findall(r"`([\w/]+(?:\.py|/))`", PAGE)))


@pytest.mark.parametrize("name", files())
def test_every_file_that_is_named_is_there(name: str) -> None:
    assert (ROOT / name if name.startswith(FOLDERS) else ROOT / "companion" / name).exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("companion.control.parameters", "PARAMETERS"),
        ("guide.tables", "TABLES"),
        ("companion.clock.source", "CLOCKS"),
        ("companion.clock.source", "ClockSource"),
        ("companion.clock.reading", "Line"),
        ("companion.generate.generator", "StemGenerator"),
        ("companion.generate.loading", "GENERATORS"),
        ("model.instruments", "INSTRUMENTS"),
        ("model.codec", "Codec"),
        ("model.request", "SOURCES"),
    ],
)
def test_the_recipes_name_what_there_is(module: str, name: str) -> None:
    assert f"`{name}`" in PAGE
    assert hasattr(import_module(module), name)


def test_the_threads_are_called_as_the_page_says() -> None:
    started = "\n".join(path.read_text() for path in (ROOT / "companion").rglob("*.py"))
    table = PAGE.split("## Threads and processes")[1].split("## ")[0]
    for name in re.findall(r"threads? `([\w-]+)`(?: and `([\w-]+)`)?", table):
        for each in filter(None, name):
            assert f'name="{each}"' in started, each
