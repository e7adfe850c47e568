"""The store: any thread may turn any knob, and nothing is lost or done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.parameters import BY_NAME, PARAMETERS
from companion.control.store import (
    ALL,
    KEPT_CHANGES,
    KEPT_REFUSALS,
    Change,
    ParameterStore,
    Refusal,
)
from companion.system.errors import CompanionError

THREADS = 8
TURNS = 300


@pytest.fixture
def store() -> ParameterStore:
    return ParameterStore({"cycle": 8}, {"bass": {"level": -3}, "drums": {}})


def run_together(work: Callable[[int], None]) -> None:
    """Call `work` with 0, 1, ... in threads that start at the same moment."""
    start = threading.Barrier(THREADS)

    def wait_and_work(number: int) -> None:
        start.wait()
        work(number)

    threads = [threading.Thread(target=wait_and_work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TestValues:
    def test_they_start_from_the_preset_and_else_from_the_table(
        self, store: ParameterStore
    ) -> None:
        assert store.players == ("bass", "drums")
        assert store.snapshot() == {
            **{knob.name: knob.default for knob in PARAMETERS if knob.scope == "rig"},
            "cycle": 8,
        }
        assert store.snapshot("bass")["level"] == -3.0
        assert store.snapshot("drums") == {
            knob.name: knob.default for knob in PARAMETERS if knob.scope == "player"
        }
        assert store.drain() == []

    @pytest.mark.parametrize(
        ("rig", "player", "message"),
        [
            ({"level": 0.0}, {}, "there is no parameter 'level'"),
            ({}, {"cycle": 4}, "there is no parameter 'cycle'"),
            ({"cycle": 17}, {}, "cycle is 17; valid: a whole number from 1 to 16 bars"),
        ],
    )
    def test_they_do_not_start_from_what_is_not_valid(
        self, rig: dict, player: dict, message: str
    ) -> None:
        with pytest.raises(CompanionError, match=message):
            ParameterStore(rig, {"bass": player})

    def test_a_snapshot_never_changes(self, store: ParameterStore) -> None:
        before = store.snapshot("bass")
        store.set("level", 0.0, "bass", "test")
        assert (before["level"], store.snapshot("bass")["level"]) == (-3.0, 0.0)
        with pytest.raises(TypeError):
            before["level"] = 1.0  # type: ignore[index]

    def test_a_value_a_number_and_a_position_set_the_same_knob(self, store: ParameterStore) -> None:
        store.set("instrument", "organ", "bass", "test")
        assert store.snapshot("bass")["instrument"] == "organ"
        store.set_number("instrument", 4.0, "bass", "test")
        assert store.snapshot("bass")["instrument"] == "bass"
        store.set_position("instrument", 0.0, "bass", "test")
        assert store.snapshot("bass")["instrument"] == "piano"
        assert store.snapshot("drums")["instrument"] == BY_NAME["instrument"].default

    def test_a_number_too_large_is_clamped_a_value_too_large_is_refused(
        self, store: ParameterStore
    ) -> None:
        store.set_number("level", 99.0, "bass", "test")
        assert store.snapshot("bass")["level"] == 6.0
        with pytest.raises(CompanionError, match="level is 99"):
            store.set("level", 99.0, "bass", "test")
        assert store.snapshot("bass")["level"] == 6.0

    def test_a_star_is_every_player(self, store: ParameterStore) -> None:
        store.set("mute", True, ALL, "test")
        assert [store.snapshot(player)["mute"] for player in store.players] == [True, True]
        assert [change.player for change in store.drain()] == ["bass", "drums"]

    @pytest.mark.parametrize(
        ("name", "player", "message"),
        [
            ("level", "keys", "there is no player 'keys'; valid: bass, drums, *"),
            ("level", None, "there is no parameter 'level'; valid: clock, bpm, tap, cycle"),
            ("cycle", "bass", "there is no parameter 'cycle'"),
            ("levle", ALL, "there is no parameter 'levle'; nearest: level"),
        ],
    )
    def test_what_is_not_there_is_named_and_nothing_changes(
        self, store: ParameterStore, name: str, player: str | None, message: str
    ) -> None:
        for turn in (store.set, store.set_number, store.set_position):
            with pytest.raises(CompanionError) as error:
                turn(name, 1.0, player, "test")
            assert message in str(error.value)
        assert store.drain() == []


class TestChanges:
    def test_each_is_told_once_oldest_first(self, store: ParameterStore) -> None:
        store.set("level", -6.0, "bass", "midi")
        store.set("cycle", 4, None, "osc")
        store.set("level", -9.0, "bass", "osc")
        assert store.drain() == [
            Change("level", "bass", -3.0, -6.0, "midi"),
            Change("cycle", None, 8, 4, "osc"),
            Change("level", "bass", -6.0, -9.0, "osc"),
        ]
        assert store.drain() == []

    def test_a_knob_that_stays_where_it_is_makes_none(self, store: ParameterStore) -> None:
        store.set("level", -3.0, "bass", "test")
        assert store.drain() == []

    def test_only_the_latest_are_kept_where_nobody_listens(self, store: ParameterStore) -> None:
        for turn in range(KEPT_CHANGES + 10):
            store.set_number("level", -(turn % 2), "bass", "test")
        assert len(store.drain()) == KEPT_CHANGES

    @given(st.lists(st.tuples(st.sampled_from(PARAMETERS), st.floats(0, 1)), max_size=40))
    def test_played_back_they_give_the_values(self, turns: list) -> None:
        store = ParameterStore({}, {"bass": {}})
        replayed = {None: dict(store.snapshot()), "bass": dict(store.snapshot("bass"))}
        for knob, position in turns:
            player = None if knob.scope == "rig" else "bass"
            store.set_position(knob.name, position, player, "test")
        for change in store.drain():
            assert replayed[change.player][change.name] == change.old
            if BY_NAME[change.name].kind != "trigger":
                replayed[change.player][change.name] = change.new
        assert replayed == {None: store.snapshot(), "bass": store.snapshot("bass")}


class TestTriggers:
    def test_one_that_is_pulled_is_taken_once(self, store: ParameterStore) -> None:
        assert not store.take_trigger("bass", "regenerate")
        store.set("regenerate", True, "bass", "test")
        store.set("regenerate", True, "bass", "test")
        assert store.take_trigger("bass", "regenerate")
        assert not store.take_trigger("bass", "regenerate")
        assert not store.take_trigger("drums", "regenerate")

    def test_one_that_is_let_go_does_nothing(self, store: ParameterStore) -> None:
        store.set("regenerate", False, "bass", "test")
        store.set_position("regenerate", 0.0, "bass", "test")
        assert not store.take_trigger("bass", "regenerate")
        assert store.drain() == []

    def test_every_pull_is_told_and_it_keeps_no_value(self, store: ParameterStore) -> None:
        store.set("regenerate", True, ALL, "test")
        store.set("regenerate", True, "bass", "test")
        assert [change.player for change in store.drain()] == ["bass", "drums", "bass"]
        assert store.snapshot("bass")["regenerate"] is False


class TestThreads:
    def test_no_change_is_lost_and_each_follows_from_the_one_before(
        self, store: ParameterStore
    ) -> None:
        told: list[Change] = []
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                told.extend(store.drain())

        def turn(number: int) -> None:
            for step in range(TURNS):
                store.set_position("guidance_audio", (number * TURNS + step) / 2401, ALL, "test")
                snapshot = store.snapshot("bass")
                assert BY_NAME["guidance_audio"].check(snapshot["guidance_audio"]) is not None

        listener = threading.Thread(target=listen)
        listener.start()
        run_together(turn)
        done.set()
        listener.join()
        told.extend(store.drain())
        for player in store.players:
            value = BY_NAME["guidance_audio"].default
            chain = [change for change in told if change.player == player]
            for change in chain:
                assert change.old == value and change.new != value
                value = change.new
            assert store.snapshot(player)["guidance_audio"] == value
            # Every thread sets what no other sets, nor the default: every turn is a change.
            assert len(chain) == THREADS * TURNS

    def test_a_pull_is_taken_by_one_of_many(self, store: ParameterStore) -> None:
        for _ in range(50):
            taken: list[int] = []
            store.set("regenerate", True, "bass", "test")

            def take(number: int, taken: list[int] = taken) -> None:
                if store.take_trigger("bass", "regenerate"):
                    taken.append(number)

            run_together(take)
            assert len(taken) == 1

    def test_no_pull_between_two_looks_is_missed(self, store: ParameterStore) -> None:
        taken = 0
        for _ in range(50):
            run_together(lambda _: store.set("regenerate", True, ALL, "test"))
            taken += sum(store.take_trigger(player, "regenerate") for player in store.players)
        assert taken == 100


class TestLock:
    def test_under_the_lock_a_knob_stays_and_the_last_refusal_is_told(
        self, store: ParameterStore
    ) -> None:
        store.set("lock", True, None, "osc")
        store.drain()
        before = store.snapshot("bass"), store.snapshot()
        store.set("temperature", 1.5, "bass", "osc")
        store.set_position("guidance_audio", 1.0, "*", "midi")
        store.set_number("cycle", 2, None, "midi")
        store.set("regenerate", True, "bass", "osc")
        assert (store.snapshot("bass"), store.snapshot()) == before
        assert not store.take_trigger("bass", "regenerate")
        assert store.drain() == []
        assert store.refused == (5, "locked: regenerate of bass stays as it is")

    def test_refusals_are_told_apart_by_what_they_are_about_up_to_a_bound(
        self, store: ParameterStore
    ) -> None:
        store.set("lock", True, None, "osc")
        for number in range(1000):
            store.refuse(f"OSC /acc: unknown {number}", "/acc")
            if number == 500:
                store.set("temperature", 1.5, "bass", "osc")
        assert store.drain_refusals() == [
            Refusal("/acc", "OSC /acc: unknown 999", 1000),
            Refusal("temperature of bass", "locked: temperature of bass stays as it is", 1),
        ]
        assert store.drain_refusals() == []
        for number in range(1000):
            store.refuse("unknown", f"/{number}")
        refusals = store.drain_refusals()
        assert len(refusals) <= KEPT_REFUSALS + 1
        assert sum(each.times for each in refusals) == 1000

    def test_what_the_companion_moves_itself_is_not_locked(self, store: ParameterStore) -> None:
        store.set("lock", True, None, "osc")
        store.set("cycle", 2, None, "found")
        assert store.snapshot()["cycle"] == 2 and store.refused[0] == 0

    def test_level_mute_and_the_lock_itself_move(self, store: ParameterStore) -> None:
        store.set("lock", True, None, "osc")
        store.set("level", -9.0, "bass", "midi")
        store.set("mute", True, "bass", "midi")
        store.set("lock", False, None, "osc")
        store.set("temperature", 1.5, "bass", "osc")
        knobs = store.snapshot("bass")
        assert (knobs["level"], knobs["mute"], knobs["temperature"]) == (-9.0, True, 1.5)
        assert store.refused[0] == 0

    def test_a_knob_set_to_what_it_is_is_not_refused(self, store: ParameterStore) -> None:
        """A controller that repeats itself, or a button that is let go, is no stray move."""
        store.set("lock", True, None, "osc")
        store.set("temperature", 1.0, "bass", "osc")
        store.set("regenerate", False, "bass", "midi")
        assert store.refused[0] == 0
