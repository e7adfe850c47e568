"""A session led by a master: stems on the master's bar lines, silence while it is stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from companion.clock.meter import METERS
from companion.clock.midi_clock import START, STOP, TICK, MidiClock
from companion.session.rig import run_recording
from companion.session.session import Session
from companion.session.status import Status
from companion.take.events import EVENTS_FILE
from tests.companion.clock.master import constant, jittered, tick_times
from tests.companion.lines import read_lines
from tests.companion.studio import RATE, music, new_take, solo, standin

BPM = 116.0
FIRST_S = 1.3
BAR_S = 240 / BPM
STOP_S = FIRST_S + 9.5 * BAR_S
"""In the middle of the master's tenth bar."""


def test_stems_start_on_the_bar_lines_of_a_midi_master_and_stop_with_it(tmp_path: Path) -> None:
    preset = solo(bars=11, knobs={"clock": "midi"})
    rig = run_recording(1, music(14), RATE, "signal")
    clock = MidiClock(rig.seconds)
    clocks = {"midi": lambda: clock}
    session = Session(
        preset, rig, standin(), preset.store(), new_take(tmp_path, preset), 0, 0, clocks=clocks
    )
    due = tick_times(constant(BPM, 9.5), start_s=FIRST_S)
    left = list(jittered(due, 4))
    clock.receive([START], FIRST_S - 0.05)
    stopped = False

    def hear(status: Status) -> None:
        nonlocal stopped
        now_s = rig.seconds()
        while left and left[0] <= now_s:
            clock.receive([TICK], left.pop(0))
        if now_s >= STOP_S and not stopped:
            stopped = True
            clock.receive([STOP], now_s)

    session.run(hear)
    output = rig.stream.output  # type: ignore[attr-defined]
    for bar in range(6, 9):
        line = round((FIRST_S + bar * BAR_S) * RATE)
        near = np.abs(output[line - RATE // 5 : line + RATE // 5]) > 0.02
        assert abs(np.argmax(near) / RATE - 0.2) < 5e-3, bar
    assert np.abs(output[: round((FIRST_S + 2 * BAR_S) * RATE)]).max() == 0
    assert stopped and not output[round((STOP_S + 0.1) * RATE) :].any()


def test_a_second_start_and_a_pulled_cable_are_told_and_met(tmp_path: Path) -> None:
    preset = solo(bars=18, meter=METERS["6/8"], knobs={"clock": "midi"}, bpm=80)
    rig = run_recording(1, music(20), RATE, "signal")
    clock = MidiClock(rig.seconds)
    clocks = {"midi": lambda: clock}
    session = Session(
        preset, rig, standin(), preset.store(), new_take(tmp_path, preset), 0, 0, clocks=clocks
    )
    tick_s, bar_s = 0.5 / 24, 1.5  # 120 quarter notes a minute
    again_s = FIRST_S + (9 * 3 * 24 + 36) * tick_s  # in the middle of a bar
    pulled_s = again_s + 4 * bar_s
    left = list(tick_times(constant(120, 20), start_s=FIRST_S))
    clock.receive([START], FIRST_S - 0.05)
    started, troubles = False, []

    def hear(status: Status) -> None:
        nonlocal started
        now_s = rig.seconds()
        if now_s >= again_s - tick_s / 2 and not started:
            started = True
            clock.receive([START], now_s)
        while left and left[0] <= min(now_s, pulled_s):
            clock.receive([TICK], left.pop(0))
        troubles.append(status.trouble)

    session.run(hear)
    transport = session.transport
    for bars in range(2, 6):
        line_s = again_s + bars * bar_s
        beat = transport.beat_at(round(line_s * RATE))
        assert abs((beat + 1) % 2 - 1) * 0.75 < 0.01, bars
    told = dict.fromkeys(trouble for trouble in troubles if trouble)
    assert list(told) == [
        "the bars of MIDI clock are elsewhere: the players come back on them",
        "MIDI clock has stopped coming; playing on at 80.0 BPM",
    ]
    events = read_lines(session._take.folder / EVENTS_FILE)  # type: ignore[union-attr]
    incidents = [e["detail"] for e in events if e["type"] == "incident" and e["what"] == "clock"]
    assert incidents == list(told)
    output = np.abs(rig.stream.output)  # type: ignore[attr-defined]
    silent = output[round((again_s + 0.5) * RATE) : round((again_s + 0.6) * RATE)]
    after = output[round((again_s + 2 * bar_s) * RATE) :][: round(2 * bar_s * RATE)]
    assert not silent.any() and after.max() > 0.02
