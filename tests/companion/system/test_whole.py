"""What a command writes is there whole, or not at all; what it reads stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.system.errors import CompanionError
from companion.system.whole import check_different, check_folder, new_file, new_folder

EXAMPLES = int(os.environ.get("PRINTING_EXAMPLES", "100"))
file_names = st.binary(min_size=1, max_size=255).filter(
    lambda name: b"\0" not in name and b"/" not in name and name not in (b".", b"..")
)


class Ended(BaseException):
    """Whatever may end the work."""


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(name=file_names)
@settings(max_examples=EXAMPLES)
def test_a_file_of_any_name_is_written(
    name: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / os.fsdecode(name)
    with new_file(path, 10) as put:
        put(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert len(listed(folder)) == 1


@pytest.mark.parametrize("before", [None, b"older"])
def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(Ended), new_file(path, 100) as put:
        put(b"half")
        raise Ended
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(listed(tmp_path)) == (before is not None)


def test_a_file_has_the_rights_of_the_one_it_replaces_else_those_of_a_new_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "old").chmod(0o640)
    mask = os.umask(0o022)
    try:
        for name in ("old", "new"):
            with new_file(tmp_path / name, 0) as put:
                put(b"x")
    finally:
        os.umask(mask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("old", "new")] == [0o640, 0o644]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    with new_file(tmp_path / "link", 0) as put:
        put(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"x"


def test_room_that_is_not_there_is_known_before_the_work(
    tmp_path: Path, file_size_limit: None
) -> None:
    error = pytest.raises(CompanionError, match=r"cannot write .*file")
    with error as caught, new_file(tmp_path / "file", 30_000):
        pytest.fail("the work was begun")
    assert "System error" not in str(caught.value)
    assert listed(tmp_path) == []


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with pytest.raises(Ended), new_folder(folder, ["one"]) as new:
        (new / "one").write_text("half")
        raise Ended
    assert listed(tmp_path) == []
    with new_folder(folder, ["one"]) as new:
        (new / "one").write_text("whole")
    assert listed(folder) == ["one"]


def test_a_folder_that_was_there_keeps_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    there = "mine' is there already"
    with pytest.raises(CompanionError, match=there), new_folder(tmp_path, ["one", "mine"]):
        pytest.fail("the work was begun")
    with pytest.raises(CompanionError, match=there), new_folder(tmp_path, []) as new:
        for name in ("a", "mine", "z"):  # which was not foreseen
            (new / name).write_text("theirs")
    assert listed(tmp_path) == ["mine"]
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_disk_that_fills_up_leaves_no_half_a_folder(
    tmp_path: Path, file_size_limit: None
) -> None:
    full = pytest.raises(CompanionError, match=r"cannot write .*set")
    with full, new_folder(tmp_path / "set", ["one", "two"]) as new:
        (new / "one").write_bytes(bytes(10_000))
        (new / "two").write_bytes(bytes(30_000))
    assert listed(tmp_path) == []


def test_what_is_read_is_never_written_over(tmp_path: Path) -> None:
    song = tmp_path / "song"
    song.write_text("")
    (tmp_path / "soft").symlink_to(song)
    os.link(song, tmp_path / "hard")
    for same in (song, tmp_path / "soft", tmp_path / "hard", tmp_path / "." / "song"):
        with pytest.raises(CompanionError, match="not all different"):
            check_different([song], [same])
    with pytest.raises(CompanionError, match="not all different"):
        check_different([song], [tmp_path / "new", tmp_path / "." / "new"])
    check_different([song], [tmp_path / "new", tmp_path / "other"])


def test_a_folder_that_could_be_made_is_left_to_be_made(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert listed(tmp_path) == []
    (tmp_path / "file").write_text("")
    for no_folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CompanionError, match="cannot write"):
            check_folder(no_folder)
