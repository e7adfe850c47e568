from __future__ import annotations

from companion.generate.pace import REMEMBERED, Pace


def test_the_slowest_of_the_last_plans_is_expected_until_it_is_forgotten() -> None:
    pace = Pace(1.5)
    assert pace.expected_s == 1.5
    pace.record(4.0)
    pace.record(1.0)
    assert pace.expected_s == 4.0
    for _ in range(REMEMBERED):
        pace.record(0.5)
    assert pace.expected_s == 0.5
