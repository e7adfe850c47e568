"""One scene that every stream must play alike, and what must come of it.

``perform`` is the rig's side, the same for a sound card and the offline clock. The world's side
plays ``signal()`` so that its first sample leaves ``SIGNAL_AT`` frames after the trigger, a single
sample of voice 0, came out. Every frame below counts from the trigger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.audio.callback import CEILING
from companion.audio.memory import AudioMemory, Samples
from companion.audio.timebase import Timebase

PLAYERS = 2
LENGTH = 90_000  # frames of the scene
TRIGGER = np.float32(0.75)
THRESHOLD = 0.5  # nothing else in the first frames is as loud
LEAD = 9_600  # frames between planning the scene and its trigger

SIGNAL_AT, SIGNAL_LENGTH = 4_800, 48_000
CLIP_AT, CLIP_LENGTH = 20_000, 5_000  # voice 1, over the signal
HALF_AT, HALF_LENGTH = 22_000, 5_000  # voice 2, at half its gain
NAN_AT, NAN_LENGTH = 30_000, 10  # voice 1
LOUD_AT, LOUD_LENGTH = 56_000, 2_000  # voice 1, far over the ceiling
AFTER_AT, AFTER_LENGTH = 86_000, 2_000  # voice 1, when the limiter has let go
FADED_AT, FADED_LENGTH = 65_000, 15_000  # voice 2, whose gain goes to 0 on the way
MUTE_AT = 72_000


@dataclass(frozen=True)
class Outcome:
    """What came of a scene; arrays start at the trigger's frame.

    ``output`` float32 [LENGTH] was recorded outside, ``captured`` float32 [LENGTH] and ``played``
    float32 [voices, LENGTH] are the memory's own. ``round_trip`` is the constant delay from the
    rig's output through the world to its input, frames.
    """

    rate: int
    output: Samples
    captured: Samples
    played: Samples
    round_trip: int
    zeroed: int


def signal() -> Samples:
    """What the world plays: every sample has its own value, exact in float32; [SIGNAL_LENGTH]."""
    return (np.arange(1, SIGNAL_LENGTH + 1) / 2**23).astype(np.float32)


def clip(n: int, seed: int) -> Samples:
    """Noise whose sums with the signal are still exact in float32."""
    steps = np.random.default_rng(seed).integers(-(2**12), 2**12, n)
    return (steps / 2**15).astype(np.float32)


def perform(memory: AudioMemory, timebase: Timebase) -> int:
    """Plan the scene, let it play, and return the trigger's absolute frame."""
    trigger = timebase.now_samples() + LEAD
    memory.write(0, trigger, np.array([TRIGGER]))
    memory.write(1, trigger + CLIP_AT, clip(CLIP_LENGTH, 1))
    memory.write(2, trigger + HALF_AT, clip(HALF_LENGTH, 2))
    memory.write(1, trigger + NAN_AT, np.full(NAN_LENGTH, np.nan, np.float32))
    memory.write(1, trigger + LOUD_AT, np.full(LOUD_LENGTH, 3.0, np.float32))
    memory.write(2, trigger + FADED_AT, np.full(FADED_LENGTH, 0.25, np.float32))
    memory.write(1, trigger + AFTER_AT, clip(AFTER_LENGTH, 3))
    timebase.wait_until(trigger + MUTE_AT)
    memory.set_gain(2, 0.0)
    timebase.wait_until(trigger + LENGTH)
    return trigger


def prepare(memory: AudioMemory) -> None:
    """Set what must be set before the stream starts."""
    memory.set_monitor(1.0)
    memory.set_gain(2, 0.5)


class StreamContract:
    """Subclasses give an ``outcome`` fixture of the scene on their stream."""

    def test_the_input_is_captured_whole_after_a_constant_delay(self, outcome: Outcome) -> None:
        start = SIGNAL_AT + outcome.round_trip
        heard = outcome.captured
        assert np.flatnonzero(heard)[0] == start
        np.testing.assert_array_equal(heard[start : start + SIGNAL_LENGTH], signal())
        assert not heard[start + SIGNAL_LENGTH :].any()

    def test_the_monitor_passes_the_input_bit_for_bit(self, outcome: Outcome) -> None:
        alone = slice(1, CLIP_AT)
        assert outcome.captured[alone].any()
        np.testing.assert_array_equal(outcome.output[alone], outcome.captured[alone])

    def test_a_clip_sounds_on_its_exact_frames(self, outcome: Outcome) -> None:
        span = slice(CLIP_AT, CLIP_AT + CLIP_LENGTH)
        np.testing.assert_array_equal(outcome.played[1, span], clip(CLIP_LENGTH, 1))
        before = outcome.played[1, :CLIP_AT]
        assert not before.any()

    def test_the_output_is_the_sum_of_input_and_voices(self, outcome: Outcome) -> None:
        span = slice(0, LOUD_AT)
        wanted = outcome.captured[span] + outcome.played[:, span].sum(axis=0)
        np.testing.assert_array_equal(outcome.output[span], wanted)

    def test_gains_apply(self, outcome: Outcome) -> None:
        span = slice(HALF_AT, HALF_AT + HALF_LENGTH)
        np.testing.assert_array_equal(outcome.played[2, span], clip(HALF_LENGTH, 2) / 2)

    def test_a_gain_change_is_a_ramp_that_ends(self, outcome: Outcome) -> None:
        played = outcome.played[2, FADED_AT : FADED_AT + FADED_LENGTH]
        assert played[0] == played[MUTE_AT - FADED_AT - 1] == 0.125
        assert np.abs(np.diff(played)).max() <= 0.25 / (0.010 * outcome.rate) + 1e-6
        assert played[-1] == 0.0

    def test_what_is_no_number_is_silent(self, outcome: Outcome) -> None:
        span = slice(NAN_AT, NAN_AT + NAN_LENGTH)
        np.testing.assert_array_equal(outcome.output[span], outcome.captured[span])
        assert outcome.zeroed == NAN_LENGTH

    def test_loud_music_stays_under_the_ceiling_and_leaves_no_trace(self, outcome: Outcome) -> None:
        loud = outcome.output[LOUD_AT : LOUD_AT + LOUD_LENGTH]
        np.testing.assert_allclose(loud, CEILING, atol=1e-6)
        assert np.abs(outcome.output).max() <= CEILING
        span = slice(AFTER_AT, AFTER_AT + AFTER_LENGTH)
        np.testing.assert_array_equal(outcome.output[span], clip(AFTER_LENGTH, 3))
