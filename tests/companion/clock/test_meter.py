from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.meter import METERS, Meter
from tests.companion.studio import RATE, music, play, solo


def test_meters_of_quarters_of_dotted_quarters_and_of_eighths() -> None:
    quarters = ["2/4", "3/4", "4/4", "5/4", "6/4", "7/4"]
    assert list(METERS) == [*quarters, "6/8", "9/8", "12/8", "5/8", "7/8"]
    for name, meter in METERS.items():
        beats, unit = map(int, name.split("/"))
        assert meter.beats_per_bar * meter.quarters_per_beat == Fraction(beats * 4, unit)
        assert meter.quarters_per_bar == Fraction(beats * 4, unit)
        assert meter.beats_per_bar * meter.clicks_per_beat == beats
    felt = {name: METERS[name].beats_per_bar for name in ("6/8", "9/8", "12/8", "5/8", "7/8")}
    assert felt == {"6/8": 2, "9/8": 3, "12/8": 4, "5/8": 5, "7/8": 7}


@given(st.sampled_from(list(METERS.values())), st.fractions(-1000, 1000))
def test_beats_and_quarter_notes_turn_into_each_other(meter: Meter, beats: Fraction) -> None:
    assert meter.beats(meter.quarters(beats)) == beats
    assert meter.quarters(Fraction(meter.beats_per_bar)) == meter.quarters_per_bar
    assert meter.beats(float(meter.quarters(beats))) == pytest.approx(float(beats))


@pytest.mark.parametrize("name", [name for name in METERS if name != "4/4"])
def test_stems_start_on_the_bar_lines_of_every_meter(tmp_path: Path, name: str) -> None:
    meter = METERS[name]
    preset = solo(bars=7, meter=meter, count_in_bars=1)
    played = play(tmp_path, preset, music(8 * meter.beats_per_bar / 4 + 2))
    transport = played.session.transport
    lines = [transport.bar_start_samples(bar) for bar in range(8)]
    assert {b - a for a, b in pairwise(lines)} == {16000 * meter.beats_per_bar}
    for bar in range(4, 7):
        near = np.abs(played.output[lines[bar] - RATE // 10 : lines[bar] + RATE // 10])
        assert np.flatnonzero(near > 0.02)[0] == pytest.approx(RATE // 10, abs=32)
    (start,) = played.of("take")
    assert start["meter"] == name
    first = played.output[: lines[0]]
    clicks = np.flatnonzero(np.abs(first) > 1e-6)
    found = 1 + int((np.diff(clicks) > RATE // 20).sum())
    assert found == meter.beats_per_bar * meter.clicks_per_beat
