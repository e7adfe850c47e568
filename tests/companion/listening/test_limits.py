"""Who asks too often waits, and nobody else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from companion.listening import limits
from companion.listening.limits import Limit


@given(st.lists(st.floats(0.0, 2.0), max_size=200), st.integers(1, 20), st.floats(0.5, 20.0))
def test_never_more_get_through_than_the_rate_allows(waits, at_once, a_second) -> None:
    now = [0.0]
    limit = Limit(a_second, at_once, lambda: now[0])
    through = 0
    for wait in waits:
        now[0] += wait
        through += limit.lets("somebody")
        assert through <= at_once + now[0] * a_second + 1e-6


def test_who_waits_may_again_and_others_need_not_wait() -> None:
    now = [0.0]
    limit = Limit(2.0, 3, lambda: now[0])
    assert [limit.lets("one") for _ in range(4)] == [True, True, True, False]
    assert limit.lets("other")
    now[0] = 0.5
    assert [limit.lets("one") for _ in range(2)] == [True, False]


def test_so_many_who_ask_fill_no_memory(monkeypatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 10)
    limit = Limit(1.0, 1, lambda: 0.0)
    assert all(limit.lets(who) for who in range(1000))
    assert len(limit._buckets) == 10
