"""A file is changed where it is meant to be and nowhere else."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.control.preset import bundled_presets
from companion.control.yaml_edit import MOST_BYTES, below, drop, edited, item
from companion.control.yaml_text import read_yaml
from companion.system.errors import CompanionError

WRITTEN = """# mine
bpm: 120  # fast
find_cycle: off
players: [{name: bass}]

midi:
  port: 'nano'    # quoted
  map:
    # above one
    - {cc: 1, parameter: cycle}   # one
    # above two
    - {cc: 2, parameter: cycle}   # two
    - cc: 3
      parameter: lock   # three

  # about osc
osc: {}  # the end
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(WRITTEN)
    return path


def test_what_is_not_changed_is_not_written(file: Path) -> None:
    written = file.stat().st_mtime_ns, file.stat().st_ino
    with edited(file) as content:
        content["bpm"] = 120
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == written


def test_a_value_is_changed_and_the_comment_beside_it_stays(file: Path) -> None:
    with edited(file) as content:
        content["bpm"] = 96
    assert file.read_text() == WRITTEN.replace("120 ", "96  ")


def test_an_item_is_added_on_one_line_below_the_others(file: Path) -> None:
    with edited(file) as content:
        content["midi"]["learned"] = [item({"cc": 5, "parameter": "level", "player": "*"})]
    lines = file.read_text().splitlines()
    assert "    - {cc: 5, parameter: level, player: '*'}" in lines
    assert [line for line in WRITTEN.splitlines() if line not in lines] == []


@pytest.mark.parametrize(
    ("numbers", "gone"),
    [
        ([0], ["one"]),
        ([1], ["two", "above two"]),
        ([2], ["three"]),
        ([2, 1], ["three", "two"]),
        ([2, 1, 0], ["three", "two", "one"]),
    ],
)
def test_an_item_is_taken_out_and_the_comments_after_it_stay(
    file: Path, numbers: list[int], gone: list[str]
) -> None:
    with edited(file) as content:
        for number in numbers:
            drop(content["midi"], "map", number)
    text = file.read_text()
    content = read_yaml(text, "mine")
    assert len(content["midi"]["map"]) == 3 - len(numbers)
    for comment in ("# mine", "# fast", "# quoted", "# about osc", "# the end"):
        assert comment in text
    assert not any(f"# {comment}\n" in text for comment in gone if "above" not in comment)
    assert text.index("# about osc") < text.index("osc:")


@pytest.mark.parametrize("text", ["midi: {}    # a port\n", "midi:\n", "midi: {port: x}\n", ""])
def test_a_section_is_made_where_it_is_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text + "bpm: 99 # b\n")
    with edited(path) as content:
        below(content, "midi")["learned"] = [item({"cc": 5, "parameter": "cycle"})]
    written = read_yaml(path.read_text(), "mine")
    assert written["midi"]["learned"] == [{"cc": 5, "parameter": "cycle"}]
    assert "# b" in path.read_text() and ("# a port" in path.read_text()) is ("# a port" in text)


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    with edited(path) as content:
        content["map"] = [item({"cc": 1, "on": True})]
    assert read_yaml(path.read_text(), "new") == {"map": [{"cc": 1, "on": True}]}


def test_an_error_in_the_change_leaves_the_file(file: Path) -> None:
    with pytest.raises(ZeroDivisionError), edited(file) as content:
        content["bpm"] = 1 / 0
    assert file.read_text() == WRITTEN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- 1\n", "has no keys; valid: keys and values"),
        ("a: [\n", "cannot be changed ("),
        ("a: 1\na: 2\n", "valid: "),
        ("x" * (MOST_BYTES + 1), "is too long"),
    ],
)
def test_what_cannot_be_changed_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(CompanionError) as error, edited(path):
        pass
    assert why in str(error.value) and "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", bundled_presets())
def test_every_preset_keeps_every_line_but_that_which_is_changed(name: str, tmp_path: Path) -> None:
    text = resources.files("companion.presets").joinpath(f"{name}.yaml").read_text()
    path = tmp_path / "copy.yaml"
    path.write_text(text)
    with edited(path) as content:
        content["bpm"] = 77
    lines = zip(text.splitlines(), path.read_text().splitlines(), strict=True)
    assert [old for old, new in lines if old != new] == [
        line for line in text.splitlines() if line.startswith("bpm: ")
    ]


KEYS = st.sampled_from(["a", "on", "b c", "1"])
PLAIN = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLAIN)
def test_whatever_is_set_reads_as_it_or_is_refused(tmp_path: Path, value: object) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WRITTEN)
    try:
        with edited(path) as content:
            content["new"] = value
    except CompanionError as error:
        assert str(error).endswith("cannot keep what was set; valid: plain text and numbers")
        assert any(each in repr(value) for each in ("\\x", "\\u", "\\r", "\\n"))
        assert path.read_text() == WRITTEN
    else:
        assert read_yaml(path.read_text(), "mine")["new"] == value
