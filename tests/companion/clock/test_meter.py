from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from companion.clock.meter import METERS
from tests.companion.studio import RATE, music, play, solo


def test_meters_from_two_to_seven_quarters_and_six_eighths() -> None:
    assert list(METERS) == ["2/4", "3/4", "4/4", "5/4", "6/4", "7/4", "6/8"]
    for name, meter in METERS.items():
        beats, unit = map(int, name.split("/"))
        assert meter.beats_per_bar * meter.quarters_per_beat == Fraction(beats * 4, unit)
    assert METERS["6/8"].beats_per_bar * METERS["6/8"].clicks_per_beat == 6


@pytest.mark.parametrize("name", ["2/4", "3/4", "5/4", "7/4", "6/8"])
def test_stems_start_on_the_bar_lines_of_every_meter(tmp_path: Path, name: str) -> None:
    meter = METERS[name]
    preset = solo(bars=7, meter=meter, count_in_bars=1)
    played = play(tmp_path, preset, music(7 * meter.beats_per_bar / 4 + 4))
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
