"""The tick can be found in a recording to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from companion.audio.click import ACCENT_PEAK, BEAT_PEAK, tick


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_tick_is_loudest_on_its_first_sample_and_ends_in_silence(rate: int) -> None:
    for accent, peak in ((False, BEAT_PEAK), (True, ACCENT_PEAK)):
        sound = tick(rate, accent)
        assert sound.dtype == np.float32
        assert len(sound) == round(0.03 * rate)
        assert sound[0] == np.abs(sound).max() == np.float32(peak)
        assert abs(sound[-1]) < 1e-4
