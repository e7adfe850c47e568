"""In every meter and with every source a bar is as long as who leads means it, and the same bar."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.link import LinkSource
from companion.clock.meter import METERS, Meter
from companion.clock.midi_clock import CONTINUE, SONG_POSITION, START, TICK, MidiClock
from companion.clock.midi_out import ClockTicks
from companion.clock.reading import Line
from companion.clock.transport import Transport
from tests.companion.clock.fake_link import FakeLinkNetwork
from tests.companion.clock.master import RATE, START_S, exact_host_time
from tests.companion.clock.stage import BLOCK, TICK_S, Led, Stage, examples

meters = st.sampled_from(list(METERS.values()))
tempi = st.floats(40, 240)
MEASURED_S = 4.0
"""Lines may be a millisecond or two off while the tempo is steered: no shorter stretch tells."""
BPM = 0.1
"""How near tempi have to be."""


@pytest.fixture(autouse=True, scope="module")
def coarser_steps() -> Iterator[None]:
    """Many examples, and nothing here is about when the session looks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "step_s", 0.04)
        yield


def bar_s(stage: Stage, bars: int = 1) -> float:
    """The mean length of the last bars."""
    last = stage.transport.bar_at(stage.position)
    lines = [stage.transport.bar_start_samples(each) for each in (last - bars, last)]
    return (lines[1] - lines[0]) / RATE / bars


def means(stage: Stage, meter: Meter, quarters: float) -> None:
    """Bars are as long as so many quarter notes a minute make them."""
    bars = ceil(MEASURED_S * quarters / 60 / float(meter.quarters_per_bar))
    bpm = 60 / bar_s(stage, bars) * float(meter.quarters_per_bar)
    assert bpm == pytest.approx(quarters, abs=BPM + 0.002 * quarters)


# --- led ---------------------------------------------------------------------------------------


@given(meters, tempi)
@examples(15)
def test_the_knob_counts_beats(meter: Meter, bpm: float) -> None:
    stage = Stage(120, meter)
    stage.run(0.1)
    stage.turn("bpm", bpm)
    stage.run(2 * meter.beats_per_bar * 60 / bpm + 2)
    assert bar_s(stage) == pytest.approx(meter.beats_per_bar * 60 / bpm, rel=1e-4)


@given(meters, st.floats(50, 220))
@examples(8)
def test_taps_count_beats_and_the_first_is_a_downbeat(meter: Meter, bpm: float) -> None:
    stage = Stage(120, meter)
    stage.step_s = TICK_S  # here it is: taps are no better than that
    stage.turn("clock", "tap")
    stage.run(0.1)
    first_s = stage.seconds
    for tap in range(8):
        stage.run(first_s + tap * 60 / bpm - stage.seconds)
        stage.turn("tap", True)
    stage.run(2 * meter.beats_per_bar * 60 / bpm + 3)
    assert bar_s(stage) == pytest.approx(meter.beats_per_bar * 60 / bpm, rel=0.02)
    assert abs(stage.off_s(Line(first_s, 0, bpm), meter.beats_per_bar)) < 0.05


@given(meters, tempi, st.integers(0, 4000) | st.none())
@examples(12)
def test_midi_clock_counts_quarter_notes_and_its_song_has_our_bars(
    meter: Meter, bpm: float, sixteenths: int | None
) -> None:
    quarters = meter.quarters(bpm)
    stage = Led(120, meter)
    stage.hear(bpm, 0.5)
    if sixteenths is None:
        stage.send(START)
    else:
        stage.send(CONTINUE, sixteenths / 4)
    stage.hear(bpm, 2 * meter.beats_per_bar * 60 / bpm + 9)
    means(stage, meter, quarters)
    assert abs(stage.off_s(stage.line, meter.beats_per_bar)) < 6e-3
    offset = stage.conductor.song_offset_bars
    assert offset is not None
    # From a line to a quarter of a bar on: it may be a few milliseconds off.
    into = stage.line.beat_at(stage.seconds) % meter.beats_per_bar
    stage.hear(bpm, (1.25 * meter.beats_per_bar - into) * 60 / bpm)
    ours = stage.transport.bar_at(round((stage.seconds - START_S) * RATE - BLOCK / 2))
    in_song = (quarters * (stage.seconds - stage.line.time_s) / 60) + (sixteenths or 0) / 4
    assert ours + offset == in_song // float(meter.quarters_per_bar)


@given(meters, tempi, st.floats(0, 60))
@examples(10)
def test_link_counts_quarter_notes_and_its_bars_are_ours(
    meter: Meter, bpm: float, apart_s: float
) -> None:
    stage = Stage(120, meter, link=lambda: LinkSource(network.join(90.0)))
    network = FakeLinkNetwork(lambda: stage.seconds)
    quarters = meter.quarters(bpm)
    other = network.join(quarters)
    other.set_beat(stage.seconds - apart_s, 0.0)
    stage.turn("clock", "link")
    stage.run(2 * meter.beats_per_bar * 60 / bpm + 9)
    means(stage, meter, quarters)
    line = Line(stage.seconds, meter.beats(other.state().beat), bpm)
    assert abs(stage.off_s(line, meter.beats_per_bar)) < 3e-3


# --- leading -----------------------------------------------------------------------------------


@given(meters, tempi, st.floats(0, 300))
@examples(20)
def test_the_clock_that_is_sent_counts_quarter_notes(
    meter: Meter, bpm: float, later_s: float
) -> None:
    transport = Transport(RATE, bpm, RATE, meter=meter)
    host_time = exact_host_time(zero_s=START_S)
    ticks = ClockTicks(transport, host_time)
    now_s = START_S + later_s
    clock = MidiClock(lambda: now_s)
    sent: list[float] = []
    place = None
    while len(sent) < 200:
        now_s = max(now_s, ticks.due_s(now_s))
        for message in ticks.messages(True):
            clock.receive(message, now_s)
            if message[0] == TICK:
                sent.append(now_s)
            elif place is None:
                # What a sequencer that knows no more than MIDI shows: quarter notes, and bars.
                place = (message[1] | message[2] << 7) / 4 if message[0] == SONG_POSITION else 0.0
                started_s = now_s
    quarters = 60 * (len(sent) - 1) / 24 / (sent[-1] - sent[0])
    assert quarters == pytest.approx(meter.quarters(bpm), abs=0.01)
    if place is not None:
        bars = place / float(meter.quarters_per_bar)
        at = host_time.sample_at(started_s)
        assert transport.beat_at(round(at)) / meter.beats_per_bar == pytest.approx(bars, abs=1e-3)
        sample = round((now_s - START_S) * RATE)
        reading = clock.read(sample, host_time)
        assert reading is not None and reading.lock == "bar"
        reading = reading.in_beats(meter)
        assert reading.bpm == pytest.approx(bpm, rel=1e-3)
        assert reading.beat == pytest.approx(transport.beat_at(sample), abs=5e-3)


@given(meters, tempi, tempi)
@examples(10)
def test_who_joins_on_link_gets_our_tempo_and_bar_in_quarter_notes(
    meter: Meter, bpm: float, then: float
) -> None:
    opened = meter.quarters(bpm)
    stage = Stage(bpm, meter, link=lambda: LinkSource(network.join(opened)))
    network = FakeLinkNetwork(lambda: stage.seconds)
    stage.turn("clock", "link")
    stage.run(3)
    other = network.join(opened / 2)
    stage.run(0.5)
    for tempo in (bpm, then):
        stage.turn("bpm", tempo)
        stage.run(2 * meter.beats_per_bar * 60 / tempo + 4)
        state = other.state()
        assert state.bpm == pytest.approx(meter.quarters(tempo), rel=1e-6)
        line = Line(stage.seconds, meter.beats(state.beat), tempo)
        assert abs(stage.off_s(line, meter.beats_per_bar)) < 3e-3
        assert bar_s(stage) == pytest.approx(meter.beats_per_bar * 60 / tempo, rel=3e-3)
