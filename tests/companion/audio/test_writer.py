"""What the stem writer promises: exact starts, no clicks, nothing else touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio.memory import AudioMemory
from companion.audio.writer import StemWriter
from companion.system.errors import CompanionError
from tests.companion.audio.driving import pass_time

RATE = 4000
RING = 8192
HALF = RING // 2
CROSS, FADE_IN, FADE_OUT = 120, 4, 40  # 30, 1 and 10 ms


def rig(margin: int = 0, rate: int = RATE, ring: int = RING) -> tuple[AudioMemory, StemWriter]:
    memory = AudioMemory(rate, 1, ring_samples=ring)
    return memory, StemWriter(memory, margin_samples=margin)


def noise(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


def model_place(
    line: np.ndarray, start: int, clip: np.ndarray, lead: np.ndarray, horizon: int
) -> None:
    """The same promise once more, sample by sample on an endless line."""
    n = len(clip)
    end = start + n
    old = line.copy()
    something_before = bool(old[start - CROSS : start].any())
    goes_on = bool(old[end : min(end + FADE_OUT, horizon)].any())
    has_lead = len(lead) >= FADE_IN
    for i in range(n):
        value = float(clip[i])
        from_end = n - min(n, FADE_OUT)
        if i >= from_end:
            w = np.sin(np.pi / 2 * (i - from_end + 0.5) / (n - from_end)) ** 2
            value = (1 - w) * value + w * (old[start + i] if goes_on else 0.0)
        if i < FADE_IN and not (something_before and has_lead):
            value *= (i + 1) / min(FADE_IN, n)
        line[start + i] = value
    if something_before:
        size = min(CROSS, len(lead)) if has_lead else CROSS
        for i in range(size):
            w = np.sin(np.pi / 2 * (i + 0.5) / size) ** 2
            new = float(lead[len(lead) - size + i]) if has_lead else 0.0
            at = start - size + i
            line[at] = (1 - w) * old[at] + w * new


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_any_placements_leave_the_timeline_a_plain_model_leaves(data: st.DataObject) -> None:
    margin = data.draw(st.integers(0, 300), label="margin")
    memory, writer = rig(margin)
    line = np.zeros(20 * RING)
    played = [np.zeros(0, np.float32)]
    for seed in range(data.draw(st.integers(1, 6), label="placements")):
        now = memory.position
        start = now + data.draw(st.integers(-50, HALF - 1), label="start")
        n = data.draw(st.integers(1, now + HALF - start), label="length")
        clip = noise(n, seed)
        lead = noise(data.draw(st.integers(0, 200), label="lead-in"), seed + 100)
        in_time = writer.place(1, start, clip, lead)
        assert in_time == (start - CROSS >= now + margin)
        if in_time:
            model_place(line, start, clip, lead, now + HALF)
        ahead = memory.read_ahead(1, now, HALF)
        np.testing.assert_allclose(ahead, line[now : now + HALF], atol=1e-6)
        played.append(pass_time(memory, data.draw(st.integers(0, 3000), label="wait")))
    heard = np.concatenate(played)
    np.testing.assert_allclose(heard, line[: len(heard)], atol=1e-6)


@given(st.integers(CROSS, HALF - 600), st.integers(100, 500), st.integers(0, 200))
@settings(deadline=None, max_examples=50)
def test_only_the_cross_fade_and_the_clip_itself_change(start: int, n: int, lead: int) -> None:
    memory, writer = rig()
    before = noise(HALF, 1)
    memory.write(1, 0, before)
    assert writer.place(1, start, noise(n, 2), noise(lead, 3))
    after = memory.read_ahead(1, 0, HALF)
    np.testing.assert_array_equal(after[: start - CROSS], before[: start - CROSS])
    np.testing.assert_array_equal(after[start + n :], before[start + n :])


def test_with_a_run_in_the_clip_starts_untouched_on_its_sample() -> None:
    memory, writer = rig()
    memory.write(1, 0, noise(3000, 1))
    clip = noise(1000, 2)
    assert writer.place(1, 500, clip, noise(CROSS, 3))
    np.testing.assert_array_equal(
        memory.read_ahead(1, 500, 1000 - FADE_OUT), clip[: 1000 - FADE_OUT]
    )


def test_out_of_silence_the_first_sample_sounds_on_the_start() -> None:
    memory, writer = rig()
    assert writer.place(1, 500, np.full(1000, 0.5, np.float32), noise(CROSS, 3))
    out = pass_time(memory, 2000)
    assert np.flatnonzero(out)[0] == 500
    np.testing.assert_allclose(out[500 : 500 + FADE_IN], 0.5 * np.arange(1, 5) / 4)
    np.testing.assert_array_equal(out[500 + FADE_IN : 1500 - FADE_OUT], 0.5)
    assert not out[1500:].any()


def test_a_plan_made_again_with_the_same_music_is_not_heard() -> None:
    memory, writer = rig()
    music = noise(4000, 1)
    writer.place(1, 200, music[:3000])
    before = memory.read_ahead(1, 0, 3200)
    assert writer.place(1, 1200, music[1000:2500], music[:1000])
    np.testing.assert_allclose(memory.read_ahead(1, 0, 3200), before, atol=1e-6)


def bends(line: np.ndarray) -> float:
    return float(np.abs(np.diff(line)).max())


@given(
    st.floats(20, 400),
    st.floats(0, 6.3),
    st.integers(0, 4000),
    st.integers(480, 6000),
    st.sampled_from([0, 20, 48, 500, 2000]),
)
@settings(deadline=None, max_examples=60)
def test_joined_sinusoids_never_step(
    hertz: float, phase: float, offset: int, n: int, lead: int
) -> None:
    rate = 48000
    memory, writer = rig(rate=rate, ring=2**16)
    time_s = np.arange(-2000, 12000) / rate
    one = 0.5 * np.sin(2 * np.pi * hertz * time_s).astype(np.float32)
    other = 0.5 * np.sin(2 * np.pi * hertz * time_s + phase).astype(np.float32)
    writer.place(1, 1440, one[2000 : 2000 + 8000])
    start = 1440 + offset
    assert writer.place(1, start, other[2000 : 2000 + n], other[2000 - lead : 2000])
    slope = 0.5 * 2 * np.pi * hertz / rate
    fade_in = 0.5 / 48
    run_in = min(lead, 1440) if lead >= 48 else 1440
    cross_fade = 2 * 0.5 * np.pi / 2 / min(run_in, 480)  # at the end it takes 480 samples
    out = pass_time(memory, 16000)
    assert bends(out) <= 2 * slope + max(fade_in, cross_fade)


def test_too_late_is_refused_and_changes_nothing() -> None:
    memory, writer = rig(margin=100)
    pass_time(memory, 1000)
    clip = np.ones(10, np.float32)
    assert not writer.place(1, 1000 + 100 + CROSS - 1, clip)
    assert not memory.read_ahead(1, 1000, HALF).any()
    assert writer.place(1, 1000 + 100 + CROSS, clip)


def test_being_held_up_past_the_margin_is_too_late_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory, writer = rig(margin=100)
    check = memory._check_ahead

    def held_up(what: str, start: int, n: int) -> None:
        pass_time(memory, 500)
        check(what, start, n)

    monkeypatch.setattr(memory, "_check_ahead", held_up)
    assert not writer.place(1, 400, np.ones(10, np.float32))
    monkeypatch.undo()
    assert not memory.read_ahead(1, memory.position, HALF).any()


def test_by_default_the_margin_is_a_quarter_of_a_second() -> None:
    assert StemWriter(AudioMemory(RATE, 1, RING)).margin_samples == RATE // 4


def test_what_is_not_finite_is_written_as_silence() -> None:
    memory, writer = rig()
    clip = np.full(200, 0.5)
    clip[[50, 60, 70]] = np.nan, np.inf, 1e300
    lead = np.full(CROSS, np.nan, np.float32)
    memory.write(1, 0, noise(500, 1))
    assert writer.place(1, 300, clip, lead)
    line = memory.read_ahead(1, 0, 600)
    assert np.isfinite(line).all()
    assert not line[[350, 360, 370]].any()


def test_a_clip_too_far_ahead_is_an_error_that_says_so() -> None:
    _, writer = rig()
    with pytest.raises(CompanionError, match=rf"ends at sample {HALF + 1} .* up to {HALF}"):
        writer.place(1, HALF - 9, np.ones(10, np.float32))
    assert writer.place(1, HALF - 10, np.ones(10, np.float32))


def test_clips_are_mono_and_not_empty() -> None:
    _, writer = rig()
    with pytest.raises(ValueError, match="mono"):
        writer.place(1, 500, np.ones((10, 2), np.float32))
    with pytest.raises(ValueError, match="at least one sample"):
        writer.place(1, 500, np.ones(0, np.float32))
