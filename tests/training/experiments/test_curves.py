from __future__ import annotations

import math

import numpy as np
import pytest

from training.experiments.curves import at_time, progress_table, steps_table
from training.experiments.progress import Progress


def learner(*totals: float, step_s: float = 0.1) -> Progress:
    """One that was measured after 100, 200, 400, ... steps, alike in four windows."""
    steps = tuple(100 * 2**at for at in range(len(totals)))
    bits = tuple(np.full((4, 4), total / 4) for total in totals)
    return Progress(
        steps, bits, bits, tuple(step_s * count for count in steps), (800_000, 3_500_000)
    )


def test_bits_at_a_time_lie_on_a_line_over_its_logarithm():
    one = learner(40.0, 38.0, 37.0)
    assert at_time(one, 10.0) == pytest.approx(40.0)
    assert at_time(one, math.sqrt(10.0 * 20.0)) == pytest.approx(39.0)
    assert at_time(one, 1000.0) == pytest.approx(37.0)
    assert math.isnan(at_time(one, 9.0))


def test_a_table_holds_each_learner_against_the_first():
    found = {"one": learner(40.0, 38.0), "two": learner(41.0, 37.0, step_s=0.3)}
    table = progress_table(found, np.full((4, 4), 10.5), "")
    one, two, known = (dict(zip(table.head, row, strict=True)) for row in table.rows)
    assert one["less one"] == "–" and two["less one"] == "-1.00 [-1.00, -1.00]"
    assert two["core s a step"] == "0.30" and two["core min"] == "1.0"
    assert known["bits a frame"] == "42.00 [42.00, 42.00]"
    assert steps_table(found, "").rows == [("one", "40.00", "38.00"), ("two", "41.00", "37.00")]
