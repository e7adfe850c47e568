from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.players.layout import lay_out
from companion.system.errors import CompanionError

transports = st.builds(
    Grid,
    rate=st.sampled_from((44100, 48000, 96000)),
    bpm=st.fractions(40, 240, max_denominator=100),
    origin_samples=st.integers(0, 10**6),
    beats_per_bar=st.integers(1, 6),
)


@given(transports, st.integers(1, 500))
def test_a_window_fits_and_holds_its_bars_whole(transport: Grid, first_bar: int) -> None:
    layout = lay_out(transport, first_bar, 512)
    start = transport.bar_start_frames(first_bar)
    end = transport.bar_start_frames(layout.end_bar)
    assert 1 <= layout.frames <= 512 and 1 <= layout.bars <= 4
    planned_frame = layout.first_frame + layout.prefix_frames
    assert planned_frame <= start < planned_frame + 1
    assert layout.first_frame + layout.frames - 1 < end <= layout.first_frame + layout.frames
    assert 0 <= layout.prefix_frames < layout.frames
    beat = transport.bar_frames / transport.beats_per_bar
    assert any(
        layout.first_frame == math.floor(start - beats * beat)
        for beats in range(2 * transport.beats_per_bar + 1)
    )


@pytest.mark.parametrize(
    ("bpm", "prefix_frames", "bars", "frames"),
    [
        (240, 100, 4, 300),
        (120, 200, 3, 500),
        (100, 240, 2, 480),
        (80, 150, 2, 450),
        (60, 200, 1, 400),
        (40, 150, 1, 450),  # two beats of prefix: a whole bar more would be too long
    ],
)
def test_two_bars_of_prefix_go_before_more_bars_and_a_second_bar_before_a_second_of_prefix(
    bpm: int, prefix_frames: int, bars: int, frames: int
) -> None:
    layout = lay_out(Grid(48000, Fraction(bpm), 0), 8, 512)
    assert (layout.prefix_frames, layout.bars, layout.frames) == (prefix_frames, bars, frames)


def test_a_bar_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CompanionError, match=r"bar of 7 beats at 40 BPM is 525 frames.* up to 512"):
        lay_out(Grid(48000, Fraction(40), 0, 7), 0, 512)
