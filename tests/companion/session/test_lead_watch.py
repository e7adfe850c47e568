"""A master that is gone, out of range or elsewhere: it is told once, and the beats stay steady."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from companion.clock.link import LinkSource
from companion.clock.meter import METERS
from companion.clock.midi_clock import START, STOP
from companion.clock.reading import Line
from companion.session.conductor import MAX_BEND, SETTLE_S
from tests.companion.clock.fake_link import FakeLinkNetwork
from tests.companion.clock.master import RATE, START_S
from tests.companion.clock.stage import BLOCK, Led, Scripted, Stage, examples

LEAST_S = 2.5
"""Two bars at a fast tempo are less than it takes to hear where the master is and to go there."""


def tempi_after(stage: Stage, at: int) -> list[float]:
    return [each.bpm(RATE) for each in stage.transport.segments if each.sample > at]


def started(bpm: float, name: str = "4/4") -> Led:
    """A stage whose master, at so many beats a minute, has been started."""
    stage = Led(120, METERS[name])
    stage.hear(bpm, 0)
    stage.send(START)
    return stage


def played(bpm: float, bars: float, name: str = "4/4") -> Led:
    """One whose players sound beside their master, so many bars after its start or a few more."""
    stage = started(bpm, name)
    bar_s = METERS[name].beats_per_bar * 60 / bpm
    before = np.ceil(8 / bar_s)
    stage.hear(bpm, before * bar_s)
    stage.plays, stage.silent_s = True, 0.0
    stage.hear(bpm, bars * bar_s)
    assert stage.silent_s == 0.0 and stage.warnings == []
    return stage


# --- a tempo that is not to be had -------------------------------------------------------------


@given(st.floats(24, 39) | st.floats(243, 450), st.sampled_from(list(METERS)), st.booleans())
@examples(10)
def test_a_master_out_of_range_is_told_and_the_tempo_is_steady(
    bpm: float, name: str, plays: bool
) -> None:
    stage = started(bpm, name)
    stage.plays = plays
    stage.hear(bpm, 14)
    end = 40 if bpm < 40 else 240
    assert tempi_after(stage, 4 * RATE) == []
    assert float(stage.transport.bpm) == pytest.approx(end, abs=0.01)
    assert stage.conductor.playing
    (told,) = stage.warnings
    said = float(told.removeprefix("MIDI clock is at ").split()[0])
    assert said == pytest.approx(bpm, rel=0.01)
    assert told.endswith(f"valid: 40 to 240; playing on at {end:.1f} BPM")
    assert ("quarters" in told) == (stage.transport.meter.quarters_per_beat != 1)
    assert stage.conductor.trouble == told
    stage.hear(120, 8)
    assert stage.conductor.trouble == ""
    assert stage.warnings[1] == "MIDI clock is back"
    assert float(stage.transport.tempo) == pytest.approx(120, rel=0.03)


@pytest.mark.parametrize("bpm", [40.0, 240.0])
def test_a_master_at_the_end_of_the_range_is_followed_to_its_beats(bpm: float) -> None:
    stage = started(bpm)
    stage.hear(bpm, 8)
    stage.plays = True
    stage.hear(bpm, 40)
    assert abs(stage.off_s(stage.line)) < 5e-3
    assert stage.warnings == [] and stage.conductor.trouble == ""


# --- a master that is gone ---------------------------------------------------------------------


@pytest.mark.parametrize("away_s", [2.0, 3.5, 30.0])
def test_a_cable_that_is_pulled_is_told_until_ticks_come_again(away_s: float) -> None:
    stage = played(126, 1)
    stage.hear(None, 0.9)
    assert stage.conductor.trouble == ""
    stage.hear(None, 0.3)
    gone = "MIDI clock has stopped coming; playing on at 126.0 BPM"
    assert stage.warnings == [gone]
    stage.hear(None, away_s - 1.2)
    assert stage.conductor.trouble == gone and stage.warnings == [gone]
    assert stage.conductor.playing
    assert float(stage.transport.bpm) == pytest.approx(126, abs=0.3)
    stage.hear(126, 2)
    assert stage.conductor.trouble == ""
    assert stage.warnings[1] == "MIDI clock is back"


def test_a_master_that_has_stopped_may_rest() -> None:
    stage = played(120, 1)
    stage.send(STOP)
    stage.hear(None, 20)
    assert stage.warnings == [] and stage.conductor.trouble == ""
    assert not stage.conductor.playing


def test_a_clock_that_never_comes_is_told() -> None:
    stage = Led(97)
    stage.run(2.5)
    assert stage.warnings == []
    stage.run(4)
    assert stage.warnings == ["no MIDI clock is coming; playing on at 97.0 BPM"]
    stage.hear(97, 2)
    assert stage.warnings[1:] == ["MIDI clock is there"] and stage.conductor.trouble == ""
    stage.turn("clock", "internal")
    stage.run(5)
    assert stage.conductor.trouble == ""


def test_a_tempo_left_bent_when_the_master_goes_is_made_straight() -> None:
    source = Scripted(Line(START_S, 0.8, 120))
    stage = Stage(120, midi=source)
    stage.sounding = True
    stage.turn("clock", "midi")
    stage.run(0.2)
    assert abs(float(stage.transport.bpm) / 120 - 1) > 0.03
    source.line = None
    stage.run(1)
    assert float(stage.transport.bpm) == pytest.approx(120, abs=0.01)


def test_the_others_on_link_that_are_gone_are_told() -> None:
    seconds = lambda: stage.seconds if stage else START_S  # noqa: E731
    stage: Stage | None = None
    network = FakeLinkNetwork(seconds)
    stage = Stage(120, link=lambda: LinkSource(network.join(120.0)))
    other = network.join(104.0)
    stage.turn("clock", "link")
    stage.run(5)
    assert stage.warnings == []
    other.close()
    stage.run(1)
    gone = "nobody else is on Ableton Link any more; playing on at 104.0 BPM"
    assert stage.warnings == [gone] and stage.conductor.trouble == gone
    network.join(104.0)
    stage.run(1)
    assert stage.warnings == [gone, "Ableton Link is back"] and stage.conductor.trouble == ""


def test_alone_on_link_from_the_start_nothing_is_wrong() -> None:
    seconds = [START_S]
    network = FakeLinkNetwork(lambda: seconds[0])
    stage = Stage(120, link=lambda: LinkSource(network.join(120.0)))
    stage.turn("clock", "link")
    stage.run(10, lambda: seconds.append(seconds.pop() + 0.01))
    assert stage.warnings == [] and stage.conductor.trouble == ""


# --- a master that is elsewhere ----------------------------------------------------------------


@given(st.floats(42, 230), st.floats(0.0, 0.99), st.sampled_from(list(METERS)))
@example(bpm=42.0, place=0.090548555840291, name="7/8")
@examples(12)
def test_a_second_start_while_playing_is_followed_within_two_bars(
    bpm: float, place: float, name: str
) -> None:
    stage = played(bpm, place, name)
    bar_s = METERS[name].beats_per_bar * 60 / bpm
    bent = []

    def note() -> None:
        if stage.is_sounding():
            bent.append(float(stage.transport.bpm / stage.transport.tempo))

    stage.send(START)
    stage.hear(bpm, max(2 * bar_s, LEAST_S), note)
    assert abs(stage.off_s(stage.line, METERS[name].beats_per_bar)) < 0.01
    assert stage.conductor.playing
    assert stage.conductor.song_offset_bars is not None
    assert bool(stage.warnings) == (stage.silent_s > 0)
    assert stage.silent_s < max(2 * bar_s, LEAST_S)
    # While a stem sounds nothing jumps.
    assert np.abs(np.array(bent) - 1).max() < MAX_BEND + 1e-3


def test_a_start_that_is_a_little_off_is_bent_to_while_the_players_sound() -> None:
    stage = played(120, 0.03)
    stage.send(START)
    stage.hear(120, 4)
    assert stage.silent_s == 0 and stage.warnings == []
    assert abs(stage.off_s(stage.line)) < 5e-3


def test_a_master_that_is_never_met_silences_the_players_once() -> None:
    source = Scripted(Line(START_S, 0, 120))
    stage = Stage(120, midi=source)
    stage.turn("clock", "midi")
    stage.run(3)
    silent: list[bool] = []

    def astray() -> None:
        now = (stage.seconds - START_S) * RATE - BLOCK / 2
        source.line = Line(stage.seconds, stage.transport.beat_at(round(now)) + 1.5, 120)
        silent.append(not stage.conductor.playing)

    stage.sounding = True
    stage.run(30, astray)
    assert SETTLE_S - 0.1 < sum(silent) / 100 < SETTLE_S + 0.1
    assert len(stage.warnings) == 1


def test_an_own_tempo_that_lost_blocks_never_silences_the_players() -> None:
    stage = Stage(120)
    stage.sounding = True
    stage.run(2)
    stage.missed += RATE
    for _ in range(20):
        stage.run(0.5)
        assert stage.conductor.playing
