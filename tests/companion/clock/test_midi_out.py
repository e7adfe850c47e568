"""MIDI clock out: each tick when its beat is heard, and a start or song position to go by."""

from __future__ import annotations

import time
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.clock import midi_out
from companion.clock.host_time import HostTime
from companion.clock.midi_clock import CONTINUE, SONG_POSITION, START, STOP, TICK, MidiClock
from companion.clock.midi_out import ClockTicks, MidiClockOut
from companion.clock.transport import Transport
from tests.companion.clock.fake_midi import FakeMidiSender
from tests.companion.clock.master import RATE, START_S, UNSHRUNK, exact_host_time

Sent = list[tuple[float, tuple[int, ...]]]


def send(ticks: ClockTicks, from_s: float, seconds: float, running: bool = True) -> Sent:
    """What goes out in a stretch of time, if the thread is always on time."""
    sent: Sent = []
    now_s = from_s
    while (due_s := ticks.due_s(now_s)) < from_s + seconds:
        now_s = max(now_s, due_s)
        sent += [(due_s, message) for message in ticks.messages(running)]
    return sent


def transport(bpm: float = 120.0) -> Transport:
    """Bar 0 a second after START_S."""
    return Transport(RATE, bpm, RATE)


def host_time() -> HostTime:
    return exact_host_time(zero_s=START_S)


@given(st.floats(41, 239), st.floats(41, 239), st.integers(0, 40))
@settings(max_examples=20, phases=UNSHRUNK)
def test_every_tick_is_sent_when_its_beat_is_heard(first: float, then: float, at: int) -> None:
    played, heard = transport(first), exact_host_time(zero_s=START_S + 960 / RATE)
    played.steer(RATE + at * 1000, then)
    sent = send(ClockTicks(played, heard), START_S, 5)
    times = np.array([time_s for time_s, message in sent if message == (TICK,)])
    beats = [played.beat_at(round((time_s - START_S) * RATE - 960)) for time_s in times]
    assert beats == pytest.approx(np.arange(len(beats)) / 24 + round(beats[0] * 24) / 24, abs=1e-3)
    assert len(beats) > 50


def test_the_start_comes_with_bar_0_and_ticks_come_before() -> None:
    messages = [message for _, message in send(ClockTicks(transport(), host_time()), START_S, 3)]
    assert messages.index((START,)) == 48  # two beats of count-in
    assert set(messages) == {(TICK,), (START,)}


def test_a_slave_that_comes_later_is_told_the_song_position() -> None:
    ticks = ClockTicks(transport(), host_time())
    sent = send(ticks, START_S + 1 + 60.1, 2)
    messages = [message for _, message in sent]
    at = messages.index((CONTINUE,))
    sixteenths = 481  # of 60.125 s at 120 BPM
    assert messages[at - 1] == (SONG_POSITION, sixteenths & 0x7F, sixteenths >> 7)
    assert sent[at + 1][0] == pytest.approx(START_S + 1 + sixteenths / 8, abs=1e-4)


def test_a_stop_is_sent_once_and_a_continue_afterwards() -> None:
    ticks = ClockTicks(transport(), host_time())
    kinds = [m[0] for _, m in send(ticks, START_S, 3)]
    kinds += [m[0] for _, m in send(ticks, START_S + 3, 2, running=False)]
    kinds += [m[0] for _, m in send(ticks, START_S + 5, 2)]
    assert [kind for kind in kinds if kind != TICK] == [START, STOP, SONG_POSITION, CONTINUE]


def test_who_comes_back_is_told_where_we_are() -> None:
    ticks = ClockTicks(transport(), host_time())
    first = [m[0] for _, m in send(ticks, START_S, 3)]
    ticks.introduce()
    again = [m[0] for _, m in send(ticks, START_S + 3, 1) if m[0] != TICK]
    assert first.count(START) == 1 and again == [SONG_POSITION, CONTINUE]


def test_the_thread_looks_for_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi_out, "LOOK_S", 0.05)
    sender, looked = FakeMidiSender(), HostTime(RATE)
    looked.observe(time.monotonic(), RATE)
    with closing(MidiClockOut(sender, transport(), looked, lambda: True)):
        while not sender.sent:
            time.sleep(0.01)
        sender.came_back = True
        end_s = time.monotonic() + 10
        while (CONTINUE,) not in [m for _, m in sender.sent] and time.monotonic() < end_s:
            time.sleep(0.01)
    assert not sender.came_back
    assert (CONTINUE,) in [message for _, message in sender.sent]


def test_a_thread_that_was_held_up_leaves_ticks_out() -> None:
    ticks = ClockTicks(transport(), host_time())
    send(ticks, START_S, 2)
    assert ticks.due_s(START_S + 10) >= START_S + 10


@pytest.mark.parametrize("bpm", [61.0, 120.0, 199.0])
def test_our_own_clock_in_understands_it(bpm: float) -> None:
    now_s = START_S
    clock = MidiClock(lambda: now_s)
    played = transport(bpm)
    for now_s, message in send(ClockTicks(played, host_time()), START_S + 7.3, 6):
        clock.receive(message, now_s)
    sample = round((now_s - START_S) * RATE)
    reading = clock.read(sample, host_time())
    assert reading is not None and reading.lock == "bar"
    assert reading.bpm == pytest.approx(bpm, rel=1e-3)
    assert reading.beat == pytest.approx(played.beat_at(sample), abs=2e-3)


def test_the_thread_sends_on_time_and_stops_when_it_is_closed() -> None:
    sender, looked = FakeMidiSender(), HostTime(RATE)
    looked.observe(time.monotonic(), RATE)
    with closing(MidiClockOut(sender, transport(), looked, lambda: True)) as out:
        while len(sender.sent) < 30:
            time.sleep(0.01)
    out.close()
    assert sender.closed
    assert sender.sent[-1][1] == (STOP,)
    due = [looked.time_at(RATE + tick * RATE / 48) for tick in range(500)]
    late = [min(abs(at_s - each) for each in due) for at_s, message in sender.sent[:-1]]
    assert np.median(late) < 5e-3
