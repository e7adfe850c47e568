from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.experiments.course import made_song
from training.experiments.frequencies import frequency_bits
from training.stemgen.pairs import draw_batch


def test_a_token_that_an_instrument_always_has_costs_next_to_nothing():
    song = made_song(1, 4000)
    one = replace(song, stems=np.full_like(song.stems, 7))
    bits = frequency_bits([one], draw_batch([one], 3, 32, 1, 0))
    assert bits.shape == (3, 4)
    assert bits.max() < 1.0  # but for what was never seen, of which there is little


def test_tokens_that_come_alike_cost_the_same():
    song = made_song(1, 4096)
    even = np.tile(np.arange(2048, dtype=np.int16), (3, 4, 2))
    one = replace(song, stems=even)
    bits = frequency_bits([one], draw_batch([one], 3, 32, 1, 0))
    assert bits == pytest.approx(11.0)


def test_an_instrument_that_was_never_heard_costs_eleven_bits_a_token():
    other = replace(made_song(2), instruments=(15, 16, 17))
    batch = draw_batch([made_song(1)], 3, 32, 1, 0)
    assert frequency_bits([other], batch) == pytest.approx(11.0)
