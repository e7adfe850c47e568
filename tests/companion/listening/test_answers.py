"""An answer is kept once, whoever sends it how often and from how many threads."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.listening import answers as module
from companion.listening.answers import Answer, AnswerStore, TooManyListeners, read_answers

SENT = st.lists(
    st.builds(
        Answer,
        listener=st.integers(0, 2),
        trial=st.integers(0, 3),
        value=st.integers(1, 5),
        id=st.sampled_from("abcdef"),
    ),
    max_size=30,
)


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    return AnswerStore(tmp_path / "answers.sqlite")


@given(SENT)
def test_the_first_answer_to_a_trial_stays_whatever_is_sent_after_it(sent) -> None:
    store = AnswerStore(Path(":memory:"))
    kept: dict[tuple[int, int], Answer] = {}
    ids: set[str] = set()
    for each in sent:
        place = each.listener, each.trial
        told = store.keep(each)
        if place not in kept and each.id not in ids:
            assert told == "stored"
            kept[place] = each
            ids.add(each.id)
        elif kept.get(place) is not None and kept[place] == each:
            assert told == "known"
        else:
            assert told == "answered"
    assert store.all() == [kept[place] for place in sorted(kept)]


def test_who_joins_twice_is_one_and_numbers_are_given_in_turn(store: AnswerStore) -> None:
    ids = [f"{n:032x}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(store.join, ids * 3))
    assert numbers[:40] == numbers[40:80] == numbers[80:]
    assert sorted(numbers[:40]) == list(range(40))
    assert [store.number(id) for id in ids] == numbers[:40]
    assert store.number("f" * 32) is None


def test_many_threads_keep_all_they_are_given(store: AnswerStore, tmp_path: Path) -> None:
    sent = [
        Answer(who, trial, 3, f"{who}/{trial}", 1.5, 2) for who in range(8) for trial in range(9)
    ]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(store.keep, sent)) == {"stored"}
    store.close()
    assert read_answers(tmp_path / "answers.sqlite") == sent


def test_it_is_synchronised_at_each_commit(store: AnswerStore, tmp_path: Path) -> None:
    store.keep(Answer(0, 0, 1, "a"))
    pragma = {
        name: store._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    }
    assert pragma == {"journal_mode": "wal", "synchronous": 2}  # FULL
    other = sqlite3.connect(tmp_path / "answers.sqlite")  # it is there for everybody
    assert other.execute("SELECT count(*) FROM answers").fetchone() == (1,)
    other.close()


def test_there_are_not_endlessly_many_listeners(
    store: AnswerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LISTENERS", 2)
    assert [store.join(id) for id in ("a", "b", "a")] == [0, 1, 0]
    with pytest.raises(TooManyListeners, match="2 listeners; valid: 2 at most"):
        store.join("c")
