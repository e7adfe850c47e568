from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.players.clips import KEPT_BARS, BarClip, ClipShelf, to_device_rate

CLIP = BarClip(np.zeros(1, np.float32), (0, 1), np.zeros(0, np.float32), 0, 0, 0)


@given(st.sets(st.integers(0, 30)), st.integers(0, 32), st.integers(1, 16))
def test_a_bar_is_repeated_in_phase_if_it_can_be(bars: set[int], bar: int, cycle: int) -> None:
    shelf = ClipShelf()
    for kept in sorted(bars):
        shelf.put(kept, CLIP)
    source = shelf.source(bar, cycle)
    in_phase = [b for b in bars if b < bar and (bar - b) % cycle == 0]
    if in_phase:
        assert source == max(in_phase)
    else:
        assert source == max((b for b in bars if b < bar), default=None)


def test_the_shelf_forgets_the_far_past_and_what_it_is_told_to() -> None:
    shelf = ClipShelf()
    assert shelf.end_bar == 0
    for bar in range(KEPT_BARS + 11):
        shelf.put(bar, CLIP)
    assert shelf.get(9) is None and shelf.get(10) is CLIP
    shelf.clear_from(20)
    assert shelf.end_bar == 20 and shelf.get(20) is None and shelf.get(19) is CLIP


@pytest.mark.parametrize("rate", [32000, 44100, 48000, 96000])
def test_a_window_at_the_devices_rate_is_as_long_and_sounds_the_same(rate: int) -> None:
    def sine(rate: int) -> np.ndarray:
        time_s = np.arange(rate) / rate
        return (0.5 * np.sin(2 * np.pi * 440 * time_s) * np.hanning(rate)).astype(np.float32)

    played = to_device_rate(sine(32000), rate)
    assert len(played) == rate and played.dtype == np.float32
    np.testing.assert_allclose(played, sine(rate), atol=1e-4)
