from __future__ import annotations

import os
from pathlib import Path

import pytest

from companion.remote.key import BOX_FILE, RIG_FILE, box_key, read_key
from companion.system.errors import CompanionError


def test_a_box_makes_its_key_once_and_a_rig_gets_no_more_of_it_than_it_needs(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "settings"
    made = box_key(folder)
    assert box_key(folder) == made and made.private
    of_rig = read_key(folder / RIG_FILE)
    assert (of_rig.certificate, of_rig.token) == (made.certificate, made.token)
    assert not of_rig.private and made.token not in repr(made)
    assert b"PRIVATE" not in (folder / RIG_FILE).read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="files have no modes here")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    box_key(tmp_path)
    assert {(tmp_path / name).stat().st_mode & 0o077 for name in (BOX_FILE, RIG_FILE)} == {0}


def test_two_boxes_have_two_keys(tmp_path: Path) -> None:
    one, other = box_key(tmp_path / "one"), box_key(tmp_path / "other")
    assert one.token != other.token and one.certificate != other.certificate


@pytest.mark.parametrize("content", [b"", b"token: x\n", bytes(range(256)) * 9])
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(CompanionError, match=r"wrong' is no key; valid: the file generator\.key"):
        read_key(tmp_path / "wrong")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match=r"valid: the file generator\.key that companion"):
        read_key(tmp_path / "none")
