"""Which sound a player has: held for the set, chosen by the knob, or a recording's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from companion.players.sounds import Sounds
from model.abilities import Abilities
from model.instruments import INSTRUMENTS

WIDTH = 4
seeds = st.integers(0, 2**32)
instruments = st.sampled_from(INSTRUMENTS)


def table(count: int, most: int = 8) -> np.ndarray:
    """So many sounds of each class, each another; what is left over is zeros."""
    sounds = np.zeros((len(INSTRUMENTS), most, WIDTH), np.float32)
    sounds[:, :count] = 1 + np.arange(len(INSTRUMENTS) * count * WIDTH).reshape(
        len(INSTRUMENTS), count, WIDTH
    )
    return sounds


def choices(count: int) -> Abilities:
    """A generator that brings them along."""
    return Abilities(sounds=table(count))


@given(seeds, instruments, st.integers(1, 8))
def test_chance_draws_one_sound_and_keeps_it_for_the_set(seed, instrument, count) -> None:
    knobs = {"sound": 0, "instrument": instrument}
    sounds = Sounds(choices(count), seed, "bass")
    drawn = sounds.told(knobs)
    assert np.array_equal(drawn, Sounds(choices(count), seed, "bass").told(knobs))
    assert any(np.array_equal(drawn, sounds.told({**knobs, "sound": n + 1})) for n in range(count))


def test_another_set_and_another_player_may_draw_another() -> None:
    knobs = {"sound": 0, "instrument": "bass"}
    for drawn in (
        [Sounds(choices(8), seed, "bass").told(knobs)[0] for seed in range(100)],
        [Sounds(choices(8), 0, f"bass-{n}").told(knobs)[0] for n in range(100)],
    ):
        assert len(set(drawn)) == 8


@given(seeds, instruments, st.integers(1, 8), st.integers(1, 8))
def test_the_knob_chooses_and_begins_again_after_the_last(seed, instrument, count, number) -> None:
    told = Sounds(choices(count), seed, "bass").told({"sound": number, "instrument": instrument})
    row = table(count)[INSTRUMENTS.index(instrument), (number - 1) % count]
    assert np.array_equal(told, row)


@given(seeds, instruments)
def test_a_recording_goes_before_chance_and_not_before_the_knob(seed, instrument) -> None:
    recording = np.full(WIDTH, -1, np.float32)
    sounds = Sounds(choices(3), seed, "bass", recording)
    assert np.array_equal(sounds.told({"sound": 0, "instrument": instrument}), recording)
    assert not np.array_equal(sounds.told({"sound": 2, "instrument": instrument}), recording)


@given(st.integers(0, 8), instruments)
def test_where_there_is_no_sound_none_is_told(number, instrument) -> None:
    for able in (choices(0), Abilities()):
        assert not Sounds(able, 0, "bass").told({"sound": number, "instrument": instrument}).size
