"""Solo: one is heard, and afterwards all is as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.store import ParameterStore
from companion.session.solo import Solo
from companion.system.errors import CompanionError

NAMES = ("bass", "drums", "keys")
MUTES = st.tuples(st.booleans(), st.booleans(), st.booleans())


def band(mutes: tuple[bool, ...] = (False, False, True)) -> tuple[ParameterStore, Solo]:
    knobs = zip(NAMES, mutes, strict=True)
    store = ParameterStore({}, {name: {"mute": muted} for name, muted in knobs})
    return store, Solo(store)


def muted(store: ParameterStore) -> tuple[bool, ...]:
    return tuple(bool(store.snapshot(name)["mute"]) for name in NAMES)


@given(MUTES, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_whoever_was_heard_alone_in_between_all_is_as_it_was(
    before: tuple[bool, ...], pressed: list[str]
) -> None:
    store, solo = band(before)
    for name in pressed:
        solo.toggle(name, "page")
        if solo.player is not None:
            assert solo.player == name
            assert muted(store) == tuple(each != name for each in NAMES)
        assert tuple(solo.mutes.values()) == before
    if solo.player is not None:
        solo.toggle(solo.player, "page")
    assert (solo.player, muted(store)) == (None, before)


def test_it_is_over_once_somebody_has_moved_a_mute_knob() -> None:
    store, solo = band()
    solo.toggle("bass", "page")
    store.set("mute", False, "keys", "midi")
    assert solo.player is None
    assert tuple(solo.mutes.values()) == muted(store) == (False, True, False)
    solo.toggle("bass", "page")
    solo.toggle("bass", "page")
    assert muted(store) == (False, True, False)


def test_the_lock_leaves_it_free_and_who_pressed_is_named() -> None:
    store, solo = band()
    store.set("lock", True, None, "midi")
    store.drain()
    solo.toggle("drums", "page")
    assert {(each.name, each.source) for each in store.drain()} == {("mute", "page")}


def test_a_player_that_is_not_there_is_named() -> None:
    _, solo = band()
    with pytest.raises(CompanionError, match="no player 'flute'; valid: bass, drums, keys"):
        solo.toggle("flute", "page")
