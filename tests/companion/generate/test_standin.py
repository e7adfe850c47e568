from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.generate.standin import AMPLITUDE, StandInGenerator, audio_of, bar_line_samples
from companion.generate.warmup import decode

transports = st.builds(
    Grid,
    rate=st.just(48000),
    bpm=st.fractions(40, 240, max_denominator=1000),
    origin_samples=st.just(0),
    beats_per_bar=st.integers(1, 7),
)


@given(transports, st.integers(-600, 180_000), st.integers(2, 512))
def test_bar_lines_are_found_to_the_sample(transport: Grid, first_frame: int, frames: int) -> None:
    found = bar_line_samples(transport.phase(first_frame, frames))
    first_bar = math.floor(first_frame / transport.bar_frames)
    exact = []
    while (at := (transport.bar_start_frames(first_bar) - first_frame) * 640) < frames * 640:
        exact += [at] if at >= 0 else []
        first_bar += 1
    if exact and exact[-1] > frames * 640 - 4 and len(found) < len(exact):
        exact.pop()  # float32 cannot tell whether it still belongs to the window
    assert len(found) == len(exact)
    for sample, at in zip(found, exact, strict=True):
        assert at - 0.03 <= sample < at + 1


def test_a_marker_is_loudest_at_its_first_sample(make_request) -> None:
    result = decode(StandInGenerator(), make_request())
    assert np.argmax(np.abs(result.audio)) == 100 * 640  # bar 1 is prefix, bar 2 at frame 100
    assert result.audio[100 * 640] == AMPLITUDE
    assert not result.audio[: 100 * 640].any()


def test_a_prefix_sounds_again_as_it_sounded(make_request) -> None:
    first = decode(StandInGenerator(), make_request(prefix=np.zeros((4, 0), np.int16), seed=1))
    again = decode(StandInGenerator(), make_request(prefix=first.tokens[:, :100], seed=2))
    np.testing.assert_array_equal(again.tokens[:, :100], first.tokens[:, :100])
    np.testing.assert_array_equal(again.audio[: 100 * 640], first.audio[: 100 * 640])
    assert (again.audio[100 * 640 :] != first.audio[100 * 640 :]).any()


def test_instrument_and_seed_decide_the_pitch_and_nothing_else_does(make_request) -> None:
    def sound(**changes: object) -> bytes:
        return decode(StandInGenerator(), make_request(**changes)).audio.tobytes()

    guidance = {"audio": 0.0, "instrument": 0.0, "clock": 0.0}
    assert sound() == sound() == sound(guidance=guidance)
    assert len({sound(), sound(seed=8), sound(instrument=5)}) == 3


def test_silence_in_gives_silence_out(make_request) -> None:
    quiet = np.full(200 * 640, 0.0009, np.float32)
    assert not decode(StandInGenerator(), make_request(context=quiet)).audio.any()
    unknown = make_request(context_known=np.zeros(200, np.bool_))
    assert not decode(StandInGenerator(), unknown).audio.any()
    assert not audio_of(StandInGenerator().silence(10)).any()


def test_it_counts_its_steps_and_can_be_hurried(make_request) -> None:
    request = make_request()
    decoding = StandInGenerator().start(request)
    assert decoding.progress == 0.0
    assert decoding.step() and 0.0 < decoding.progress < 0.1
    decoding.finish()
    assert not decoding.step() and decoding.progress == 1.0
    steps = replace(request.decode, steps=(1, 2, 3, 4))
    decoding = StandInGenerator().start(make_request(decode=steps))
    assert [decoding.step() for _ in range(10)] == [True] * 9 + [False]
