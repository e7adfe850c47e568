"""What was measured is not measured again, whenever the run was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.experiments.ledger import Ledger


class Work:
    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, number: int) -> dict[str, object]:
        self.calls.append(number)
        return {"double": 2 * number, "pair": (number, [number])}


def fill(file: Path, numbers: list[int], work: Work) -> list[dict]:
    ledger = Ledger(file)
    return [ledger.measure({"number": n}, lambda n=n: work(n)) for n in numbers]


def test_a_cell_is_measured_once_even_by_another_run(tmp_path):
    work, file = Work(), tmp_path / "new" / "cells.jsonl"
    first = fill(file, [1, 2, 1], work)
    again = fill(file, [2, 3, 1], work)
    assert work.calls == [1, 2, 3]
    assert first[0] == first[2] == again[2] == {"double": 2, "pair": [1, [1]]}


def test_the_order_of_what_decides_a_cell_does_not_matter(tmp_path):
    ledger, work = Ledger(tmp_path / "cells.jsonl"), Work()
    ledger.measure({"a": 1, "b": [2, 3]}, lambda: work(1))
    ledger.measure({"b": (2, 3), "a": 1}, lambda: work(2))
    ledger.measure({"b": (3, 2), "a": 1}, lambda: work(3))
    assert work.calls == [1, 3] and len(ledger) == 2


def test_a_run_killed_anywhere_in_a_line_loses_that_cell_alone(tmp_path):
    whole = tmp_path / "whole.jsonl"
    fill(whole, [1, 2], Work())
    data = whole.read_bytes()
    first = data.index(b"\n") + 1
    for kept in range(first, len(data)):
        file, work = tmp_path / "cut.jsonl", Work()
        file.write_bytes(data[:kept])
        fill(file, [1, 2, 3], work)
        # Only the line's end is missing of the longest: its cell is there.
        assert work.calls == ([3] if kept == len(data) - 1 else [2, 3]), kept
        fill(file, [1, 2, 3], work := Work())
        assert work.calls == []


def test_nothing_is_kept_of_work_that_fails(tmp_path):
    ledger = Ledger(tmp_path / "cells.jsonl")

    def failing() -> dict[str, object]:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        ledger.measure({"n": 1}, failing)
    assert ledger.measure({"n": 1}, lambda: {"x": 1}) == {"x": 1}
    (line,) = (tmp_path / "cells.jsonl").read_text().splitlines()
    assert json.loads(line) == {"cell": {"n": 1}, "found": {"x": 1}}
