"""Every take has a folder of its own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from companion.system.errors import CompanionError
from companion.take.take import make_take_folder

NOW = datetime(2026, 11, 5, 21, 30, 7)


def test_the_folder_is_named_after_the_moment(tmp_path: Path) -> None:
    assert make_take_folder(tmp_path / "takes", NOW) == tmp_path / "takes" / "20261105-213007"


def test_takes_of_one_second_do_not_share_a_folder(tmp_path: Path) -> None:
    names = [make_take_folder(tmp_path, NOW).name for _ in range(3)]
    assert names == ["20261105-213007", "20261105-213007-2", "20261105-213007-3"]


def test_a_parent_that_cannot_hold_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("a file")
    with pytest.raises(CompanionError, match="takes"):
        make_take_folder(tmp_path / "takes", NOW)
