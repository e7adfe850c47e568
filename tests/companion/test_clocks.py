"""A session led by a master: stems on the master's bar lines, silence while it is stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from companion.clock.midi_clock import START, STOP, TICK, MidiClock
from companion.rig import run_recording
from companion.session import Session
from companion.status import Status
from tests.companion.clock.master import constant, jittered, tick_times
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
