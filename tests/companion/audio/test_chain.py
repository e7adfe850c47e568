"""The whole way out: whatever is placed, turned and lost, nothing clips and nothing clicks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio.callback import CEILING
from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.audio.writer import StemWriter

RATE = 16_000
HERTZ, LEVEL = 60.0, 0.8
SLOPE = LEVEL * 2 * np.pi * HERTZ / RATE  # of one stem, a sample
FADE = 1 / (0.001 * RATE)  # of a clip's first millisecond, the steepest there is
GAIN = 1 / (0.010 * RATE)
MOST_GAIN = 2.0
PLAYERS = 2
# Each stem's own slope, its fade and its gain's move; the limiter lets go ever so slowly.
BOUND = PLAYERS * (MOST_GAIN * (2 * SLOPE + LEVEL * FADE) + LEVEL * GAIN) + 0.01


def stem(n: int, phase: float) -> np.ndarray:
    time = np.arange(n) / RATE
    return (LEVEL * np.sin(2 * np.pi * HERTZ * time + phase)).astype(np.float32)


@given(st.data())
@settings(max_examples=30)
def test_no_sample_beyond_the_ceiling_and_no_step_beyond_the_bound(data: st.DataObject) -> None:
    memory = AudioMemory(RATE, PLAYERS, ring_samples=2**16)
    writer = StemWriter(memory, margin_samples=0)
    heard = [np.zeros(1, np.float32)]
    for _ in range(data.draw(st.integers(1, 4), label="openings")):
        stream = OfflineStream(memory, np.zeros(0, np.float32), 64, record=True)
        for _ in range(data.draw(st.integers(1, 6), label="moves")):
            voice = data.draw(st.integers(1, PLAYERS), label="voice")
            if data.draw(st.booleans(), label="turn"):
                memory.set_gain(voice, data.draw(st.floats(0, MOST_GAIN), label="gain"))
            start = memory.position + data.draw(st.integers(500, 8000), label="start")
            lead = data.draw(st.sampled_from([0, 100, 480]), label="lead-in")
            n = data.draw(st.integers(200, 16_000), label="length")
            sound = stem(lead + n, data.draw(st.floats(0, 6.3), label="phase"))
            writer.place(voice, start, sound[lead:], sound[:lead])
            stream.advance(memory.position + data.draw(st.integers(1, 6000), label="wait"))
        heard.append(stream.output)
        stream.close()
        # The device is gone, the bars go on, and it comes back.
        away = OfflineStream(memory, np.zeros(0, np.float32), 64)
        away.advance(memory.position + data.draw(st.integers(0, 9000), label="away"))
        away.close()
        heard.append(np.zeros(1, np.float32))
        memory.fade_in()
    for piece in heard:
        assert np.isfinite(piece).all()
        assert np.abs(piece).max(initial=0) <= CEILING
    for before, piece in pairwise(heard):
        if len(before) == 1 and len(piece) > 1:  # from silence into what came back
            steps = np.abs(np.diff(np.concatenate([before, piece])))
            assert steps.max() <= BOUND
