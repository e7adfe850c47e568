"""The transport comes along with whoever leads, and never jumps while a stem sounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.clock.midi_clock import START, STOP, TICK, MidiClock
from companion.clock.reading import Line, Lock
from companion.clock.transport import Transport
from companion.session.conductor import MAX_BEND, SETTLE_S
from companion.system.errors import CompanionError
from tests.companion.clock.master import (
    JACK_PERIOD_S,
    RATE,
    START_S,
    UNSHRUNK,
    Times,
    constant,
    jittered,
    ramp,
    tick_times,
)
from tests.companion.clock.stage import BLOCK, Linked, Scripted, Stage


def line(bpm: float, beat: float, lock: Lock = "bar") -> Line:
    return Line(START_S, beat, bpm, lock=lock)


def tempi(stage: Stage, after_s: float = 0.0) -> list[float]:
    return [
        segment.bpm(RATE) for segment in stage.transport.segments if segment.sample > after_s * RATE
    ]


# --- the companion's own tempo -----------------------------------------------------------------


def test_the_internal_clock_leaves_an_exact_tempo_alone() -> None:
    stage = Stage(113.7)
    stage.run(20)
    assert len(stage.transport.segments) == 1
    assert (stage.conductor.name, stage.conductor.running) == ("internal", True)


def test_the_knob_is_the_tempo() -> None:
    stage = Stage(120)
    stage.run(1)
    stage.turn("bpm", 126.5)
    stage.run(1)
    assert float(stage.transport.bpm) == pytest.approx(126.5, abs=1e-4)
    assert len(stage.transport.segments) == 2


@given(st.lists(st.integers(5, 4 * BLOCK), min_size=1, max_size=4), st.floats(60, 200))
@settings(max_examples=6, phases=UNSHRUNK)
def test_blocks_that_the_device_lost_are_made_good_without_a_jump(
    lost: list[int], bpm: float
) -> None:
    stage = Stage(bpm)
    stage.sounding = True
    stage.run(2)
    for each in lost:
        stage.missed += each
        stage.run(8)
    lines = Transport(RATE, stage.store.snapshot()["bpm"], RATE)
    ahead = stage.transport.beat_at(stage.position) - lines.beat_at(stage.position + sum(lost))
    assert abs(ahead) * 60 / bpm < 1.5e-4
    bent = [tempo / bpm for tempo in tempi(stage)]
    assert all(1 - 1e-3 <= each <= 1 + MAX_BEND + 1e-3 for each in bent)
    assert float(stage.transport.bpm) == pytest.approx(bpm, rel=1e-4)


@pytest.mark.parametrize("sounding", [True, False])
def test_also_where_more_than_half_a_beat_was_lost_at_once(sounding: bool) -> None:
    stage = Stage(120)
    stage.sounding = sounding
    stage.run(2)
    lost = round(0.35 * RATE)
    stage.missed += lost
    stage.run(16)
    beat = Transport(RATE, 120, RATE).beat_at(stage.position + lost)
    assert abs(stage.transport.beat_at(stage.position) - beat) / 2 < 1.5e-4  # seconds


def test_what_the_device_loses_while_another_leads_is_that_ones_affair() -> None:
    stage = Stage(120, midi=Scripted(line(120, 0)))
    stage.run(1)
    stage.turn("clock", "midi")
    stage.run(4)
    stage.missed += 8 * BLOCK
    stage.turn("clock", "internal")
    stage.run(1)
    moves = len(stage.transport.segments)
    stage.run(5)
    assert len(stage.transport.segments) == moves


# --- another leads -----------------------------------------------------------------------------


@given(st.floats(60, 200), st.floats(0, 1000), st.booleans())
@settings(max_examples=6, phases=UNSHRUNK)
def test_nothing_sounds_and_the_bar_line_is_there_within_three_seconds(
    bpm: float, beat: float, running_already: bool
) -> None:
    led_by = line(bpm, beat)
    stage = Stage(120 if running_already else bpm, midi=Scripted(led_by))
    stage.turn("clock", "midi")
    stage.run(6)
    assert abs(stage.off_s(led_by)) < 2e-3
    assert float(stage.transport.bpm) == pytest.approx(bpm, rel=5e-3)


@given(st.floats(90, 150), st.floats(0, 4))
@settings(max_examples=6, phases=UNSHRUNK)
def test_while_a_stem_sounds_the_tempo_bends_a_little_until_the_bars_agree(
    bpm: float, beat: float
) -> None:
    led_by = line(bpm, beat)
    stage = Stage(bpm, midi=Scripted(led_by))
    stage.sounding = True
    stage.turn("clock", "midi")
    stage.run(40)
    assert abs(stage.off_s(led_by)) < 2e-3
    bent = [tempo / bpm for tempo in tempi(stage)]
    assert all(1 - MAX_BEND - 1e-3 <= each <= 1 + MAX_BEND + 1e-3 for each in bent)


@given(st.sampled_from(["tap", "midi", "internal"]), st.integers(0, 10**6))
@settings(max_examples=5, phases=UNSHRUNK)
def test_what_is_past_never_moves(name: str, seed: int) -> None:
    dice = np.random.default_rng(seed)
    source = Scripted(line(118, 1.3))
    stage = Stage(120, midi=source)
    stage.turn("clock", name)
    seen: list[tuple[int, float]] = []

    def wild() -> None:
        if dice.random() < 0.02:
            source.line = line(dice.uniform(50, 230), dice.uniform(0, 99))
            stage.turn("bpm", float(dice.uniform(50, 230)))
            stage.turn("tap", True)
        seen.append((stage.position, stage.transport.beat_at(stage.position)))

    stage.run(8, wild)
    beats = [beat for _, beat in seen]
    assert beats == sorted(beats)
    assert [stage.transport.beat_at(at) for at, _ in seen] == pytest.approx(beats, abs=1e-9)


def test_a_clock_whose_bars_are_not_known_moves_the_tempo_alone() -> None:
    led_by = line(123, 1.5, "tempo")
    stage = Stage(120, midi=Scripted(led_by))
    stage.turn("clock", "midi")
    stage.run(10)
    assert len(stage.transport.segments) == 2
    assert float(stage.transport.bpm) == pytest.approx(123, abs=0.01)


def test_beats_without_bars_are_met_at_the_next_beat() -> None:
    led_by = line(120, 3.3, "beat")
    stage = Stage(120, midi=Scripted(led_by))
    stage.turn("clock", "midi")
    stage.run(10)
    assert abs(stage.off_s(led_by, whole=1)) < 2e-3
    assert abs(stage.off_s(led_by)) > 0.4


def test_the_music_itself_never_moves_the_bar_line_while_a_stem_sounds() -> None:
    follow = Scripted(line(120, 0.2))
    stage = Stage(120, follow=follow)
    stage.sounding = True
    stage.turn("clock", "follow")
    stage.run(20)
    assert abs(stage.off_s(line(120, 0.2), whole=1)) < 2e-3
    assert abs(stage.off_s(line(120, 0.2))) > 0.9
    stage.sounding = False
    stage.run(5)
    assert abs(stage.off_s(line(120, 0.2))) < 2e-3


@pytest.mark.parametrize("known", [None, replace(line(150, 0), confidence=0.1)])
def test_who_knows_nothing_surely_is_not_followed(known: Line | None) -> None:
    stage = Stage(120, midi=Scripted(known))
    stage.turn("clock", "midi")
    stage.run(5)
    assert len(stage.transport.segments) == 1
    assert stage.conductor.confidence < 0.2


def test_a_tempo_beyond_the_companions_range_is_followed_as_far_as_it_goes() -> None:
    stage = Stage(120, midi=Scripted(line(300, 0, "tempo")))
    stage.turn("clock", "midi")
    stage.run(1)
    assert float(stage.transport.bpm) == pytest.approx(240, abs=0.01)


@given(st.integers(0, 4096), st.floats(90, 150), st.booleans())
@settings(max_examples=6, phases=UNSHRUNK)
def test_a_bar_has_the_number_of_the_masters_song(
    sixteenths: int, bpm: float, at_once: bool
) -> None:
    led_by = line(bpm, sixteenths / 4)
    stage = Stage(bpm if at_once else 120, midi=Scripted(led_by))
    assert stage.conductor.song_offset_bars is None
    stage.turn("clock", "midi")
    stage.run(12)
    offset = stage.conductor.song_offset_bars
    assert offset is not None
    # A quarter into the bar: a line may be a millisecond off.
    into = led_by.beat_at(stage.seconds) % 4
    stage.run((5 - into) % 4 * 60 / bpm)
    ours = stage.transport.bar_at(round((stage.seconds - START_S) * RATE - BLOCK / 2))
    assert ours + offset == led_by.beat_at(stage.seconds) // 4
    stage.turn("clock", "internal")
    stage.run(0.1)
    assert stage.conductor.song_offset_bars is None


def test_after_a_masters_start_players_wait_until_our_beats_are_its() -> None:
    source = Scripted(replace(line(120, 0), running=False))
    stage = Stage(120, midi=source)
    stage.turn("clock", "midi")
    stage.run(2)
    assert not stage.conductor.running and not stage.conductor.playing
    source.line = Line(stage.seconds, 1.4, 120)
    off_s: list[float] = []

    def note() -> None:
        if stage.conductor.playing:
            off_s.append(abs(stage.off_s(source.line)))

    stage.run(0.1, note)
    assert stage.conductor.running and not off_s
    stage.run(6, note)
    assert off_s and max(off_s) < 8e-3


def test_a_master_that_is_never_met_does_not_keep_the_players_silent() -> None:
    source = Scripted(replace(line(120, 0), running=False))
    stage = Stage(120, midi=source)
    stage.turn("clock", "midi")
    stage.run(1)
    dice = np.random.default_rng(2)

    def wild() -> None:
        source.line = Line(stage.seconds, float(dice.uniform(0, 4)), 120)

    stage.run(SETTLE_S + 1, wild)
    assert stage.conductor.playing


def test_a_master_that_falls_silent_right_after_its_start_does_not_either() -> None:
    source = Scripted(replace(line(120, 0), running=False))
    stage = Stage(120, midi=source)
    stage.turn("clock", "midi")
    stage.run(1)
    source.line = Line(stage.seconds, 1.4, 120)
    stage.run(0.05)
    source.line = None
    stage.run(SETTLE_S + 0.5)
    assert stage.conductor.playing


def test_a_source_without_others_is_told_where_our_beats_lie() -> None:
    source = Linked(line(120, 1.3, "tempo"))
    stage = Stage(120, link=source)
    stage.turn("clock", "link")
    stage.run(5)
    assert len(stage.transport.segments) == 1
    assert abs(stage.off_s(source.line)) < 3e-3


# --- who leads ---------------------------------------------------------------------------------


def test_the_tempo_stays_when_the_companion_takes_over() -> None:
    source = Scripted(line(131.234, 0))
    stage = Stage(120, midi=source)
    stage.turn("clock", "midi")
    stage.run(6)
    stage.turn("clock", "internal")
    stage.run(2)
    assert float(stage.transport.bpm) == pytest.approx(131.23, abs=0.7)
    assert stage.store.snapshot()["bpm"] == pytest.approx(float(stage.transport.bpm), abs=0.01)
    assert source.closed == 1


def test_a_tempo_that_is_turned_to_with_the_clock_is_the_tempo() -> None:
    stage = Stage(120, midi=Scripted(line(131.2, 0)))
    stage.turn("clock", "midi")
    stage.run(6)
    stage.turn("clock", "internal")
    stage.turn("bpm", 98.5)
    stage.run(2)
    assert stage.store.snapshot()["bpm"] == 98.5
    assert float(stage.transport.bpm) == pytest.approx(98.5, abs=1e-3)


def test_who_joins_others_takes_their_tempo_though_another_is_turned_to_with_that() -> None:
    source = Linked(line(97, 0))
    stage = Stage(120, link=source)
    stage.turn("clock", "link")
    stage.turn("bpm", 140.0)
    stage.run(3)
    assert source.given == ()
    assert float(stage.transport.bpm) == pytest.approx(97.0, abs=0.5)


def test_a_clock_that_cannot_be_had_leaves_the_lead_where_it_is() -> None:
    def absent() -> Scripted:
        raise CompanionError("Ableton Link is not installed")

    stage = Stage(120, link=absent)
    for name in ("link", "follow"):
        stage.turn("clock", name)
        stage.run(0.1)
    assert stage.conductor.name == "internal"
    assert stage.warnings == [
        "Ableton Link is not installed; internal leads on",
        "clock follow is not available here; internal leads on",
    ]


def test_only_a_tempo_that_the_performer_turns_to_is_given_to_everybody() -> None:
    source = Linked(line(97, 0))
    stage = Stage(120, link=source)
    stage.turn("clock", "link")
    stage.run(3)
    assert source.given == ()
    stage.turn("bpm", 104.0)
    stage.run(1)
    assert source.given == (104.0,)


def test_taps_lead_once_there_are_two() -> None:
    stage = Stage(120)
    stage.turn("clock", "tap")
    for _ in range(5):
        stage.turn("tap", True)
        stage.run(0.6)
    stage.run(4)
    assert float(stage.transport.bpm) == pytest.approx(100, abs=0.2)
    downbeat = Line(START_S, 0, 100)
    assert abs(stage.off_s(downbeat)) < 6e-3


# --- a master that ticks -----------------------------------------------------------------------


def follow_ticks(due: Times, arrive: Times, sounding: bool) -> list[tuple[float, float]]:
    """Beat lines of the transport beside the master's: when due, and how late."""
    clock = MidiClock(lambda: stage.seconds)
    stage = Stage(120, midi=clock)
    stage.turn("clock", "midi")
    left = list(arrive)
    clock.receive([START], START_S)

    def hear() -> None:
        while left and left[0] <= stage.seconds:
            clock.receive([TICK], left.pop(0))
        stage.sounding = sounding and stage.seconds > START_S + 6

    stage.run(float(due[-1]) - START_S - 0.05, hear)
    lines = []
    for time_s in due[24 * 16 : -24 : 24]:
        beat = round(stage.transport.beat_at(round((time_s - START_S) * RATE)))
        line_s = START_S + (stage.transport.beat_start_samples(beat) + BLOCK / 2) / RATE
        lines.append((float(time_s), line_s - float(time_s)))
    return lines


@pytest.mark.parametrize("period_s", [0.0, JACK_PERIOD_S])
def test_beats_of_a_jittering_master_are_met_to_two_milliseconds(period_s: float) -> None:
    due = tick_times(constant(120, 24), start_s=START_S + 0.3)
    lines = follow_ticks(due, jittered(due, 5, period_s=period_s), sounding=True)
    late = np.abs([late for _, late in lines])
    assert np.percentile(late, 95) < 2e-3


def test_a_ramp_of_the_master_is_followed_while_stems_sound() -> None:
    due = tick_times(constant(120, 6), ramp(120, 140, 12), constant(140, 4), start_s=START_S + 0.3)
    lines = follow_ticks(due, jittered(due, 6), sounding=True)
    late = np.abs([late for _, late in lines])
    assert late.max() < 12e-3


def test_a_master_that_stops_stops_the_companion() -> None:
    clock = MidiClock(lambda: stage.seconds)
    stage = Stage(120, midi=clock)
    stage.turn("clock", "midi")
    clock.receive([START], START_S)
    left = list(tick_times(constant(120, 2), start_s=START_S + 0.1))

    def hear() -> None:
        while left and left[0] <= stage.seconds:
            clock.receive([TICK], left.pop(0))

    stage.run(3, hear)
    assert stage.conductor.running
    clock.receive([STOP], stage.seconds)
    stage.run(0.1)
    assert not stage.conductor.running
    clock.receive([START], stage.seconds)
    clock.receive([TICK], stage.seconds)
    stage.run(0.1)
    assert stage.conductor.running
