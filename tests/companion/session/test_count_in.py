"""Clicks: before bar 0 always, from then on while the metronome is on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from companion.audio.memory import CLICK_VOICE, AudioMemory
from companion.audio.offline import OfflineStream
from companion.clock.meter import FOUR_FOUR
from companion.clock.transport import Transport
from companion.session.count_in import CountIn

RATE, BEAT = 8000, 4000


def clicks(on: range) -> list[int]:
    """Beats of four bars and one of count-in that click, with the metronome on in these beats."""
    memory = AudioMemory(RATE, 0)
    stream = OfflineStream(memory, np.zeros(0, np.float32))
    origin = 5 * BEAT
    transport = Transport(RATE, Fraction(120), origin, 4)
    count_in = CountIn(memory, transport, FOUR_FOUR, 1)
    played = []
    for now in range(0, origin + 16 * BEAT, 80):
        count_in.write(now, (now + RATE // 2 - origin) // BEAT in on)
        stream.advance(now + 80)
        played.append(memory.played(CLICK_VOICE, now, 80))
    line = np.concatenate(played)
    return [beat for beat in range(-4, 16) if line[origin + beat * BEAT] > 0.2]


def test_the_count_in_clicks_by_itself_and_no_longer() -> None:
    assert clicks(range(0)) == [-4, -3, -2, -1]


def test_the_metronome_clicks_while_it_is_on() -> None:
    assert clicks(range(5, 9)) == [-4, -3, -2, -1, 5, 6, 7, 8]
