"""As much is chosen as the machine carries, and what is written is a preset of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.bench.capacity import Capacity
from companion.clock.meter import FOUR_FOUR
from companion.control.preset import load_preset, parse_preset
from companion.generate.protocol import Ready
from companion.setup.choice import BANDS, Choice, carries, choose, rig_for
from companion.setup.rig_file import rig_text

KNOBS = load_preset("bass").store().snapshot("bass")
READY = Ready(512, "cpu", 1.0, 2, np.zeros((4, 512), np.int16))
TIMINGS = {"encode": 0.05, "read_prefix": 0.02, "decode_tokens": 0.5, "decode_audio": 0.1}
BPM = Fraction(120)


def machine(one_s: float, three_s: float) -> Capacity:
    return Capacity(READY, FOUR_FOUR, BPM, KNOBS, TIMINGS, {1: one_s, 3: three_s})


@settings(max_examples=50)
@given(st.floats(0.01, 20.0), st.floats(0.0, 40.0))
def test_what_is_chosen_is_carried(one_s: float, more_s: float) -> None:
    capacity = machine(one_s, one_s + more_s)
    chosen = choose(capacity, BPM)
    if chosen is None:
        assert not capacity.carries(1, BPM, 1)
        return
    if capacity.carries(1, BPM, 1):
        assert capacity.carries(chosen.players, BPM, chosen.steps)
    more = capacity.most_steps(chosen.players + 1, BPM) or 0
    assert chosen.players == 3 or more < 4


@pytest.mark.parametrize(
    ("one_s", "three_s", "chosen"),
    [
        (0.2, 0.6, Choice(3, 8, BPM)),
        (0.1, 2.2, Choice(2, 8, BPM)),
        (0.9, 9.0, Choice(1, 8, BPM)),
        (4.0, 12.0, Choice(1, 1, BPM)),
        (90.0, 270.0, None),
    ],
)
def test_a_player_less_rather_than_few_steps(
    one_s: float, three_s: float, chosen: Choice | None
) -> None:
    assert choose(machine(one_s, three_s), BPM) == chosen


@pytest.mark.parametrize(
    ("three_s", "line"),
    [
        (1.0, "ok    plans: 3 players at 120 BPM with all 8 decode steps"),
        (1.7, "note  plans: 3 players at 120 BPM with "),
        (8.0, "note  plans: 3 players at 120 BPM are renewed each 2 bars at best"),
        (99.0, "wrong plans: not 3 players at 120 BPM; companion doctor --write"),
    ],
)
def test_a_preset_is_held_against_what_is_carried(three_s: float, line: str) -> None:
    assert carries(machine(0.4, three_s), 3, BPM).line.startswith(line)


@pytest.mark.parametrize("players", BANDS)
def test_the_preset_has_its_players_and_steps(players: int) -> None:
    text = rig_text(rig_for(Choice(players, 5, Fraction("96.5")), "Any CPU"))
    preset = parse_preset(text, "mine.yaml")
    assert [player.name for player in preset.players] == list(BANDS[players])
    assert {player.knobs["steps"] for player in preset.players} == {5}
    assert (preset.bpm, preset.midi is not None) == (Fraction("96.5"), True)
    assert text.startswith(f"# For Any CPU: {players} player")
