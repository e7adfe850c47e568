"""The generator dies, hangs, runs out of memory or of sense in the middle of a jam, at real speed.

Each fault is a real one, in the real child process. It is replaced, the last good bars play on in
phase until it is back, and nothing falls silent. Run with -s it prints the time to recover.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from companion.generate.wire import ProcessLink, Receive
from companion.generate.worker import Worker
from companion.session.rig import play_recording
from companion.session.session import Session
from companion.session.status import Status
from companion.take.events import EVENTS_FILE
from tests.companion.lines import read_lines
from tests.companion.studio import RATE, music, new_take, solo

pytestmark = [
    pytest.mark.side_by_side,
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits and signals"),
]
BPM = 240
BARS = 20
FAULT_BAR = 8
Fault = Callable[[ProcessLink, Path], object]


def order(word: str) -> Fault:
    def give(_: object, orders: Path) -> None:
        new = orders.with_suffix(".new")
        new.write_text(word)
        new.rename(orders)  # whole: a child that finds it empty would carry on

    return give


def send(number: signal.Signals) -> Fault:
    return lambda link, _: os.kill(link.pid, number)


FAULTS: dict[str, tuple[Fault, str]] = {
    "killed": (send(signal.SIGKILL), "ended with code -9"),
    "stopped": (send(signal.SIGSTOP), "no sign for"),
    "hung": (order("hang"), "no sign for"),
    "out of memory": (order("memory"), ""),  # it may say so, fall silent or end
    "NaN": (order("nan"), "NaN"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_is_replaced_and_the_last_good_bars_play_on(name: str, tmp_path: Path) -> None:
    fault, reason = FAULTS[name]
    orders = tmp_path / "orders"
    links: list[ProcessLink] = []

    def open_link(receive: Receive, threads: int) -> ProcessLink:
        command = (sys.executable, "-m", "tests.rig.faulty_child", str(orders))
        links.append(ProcessLink(command, receive))
        return links[-1]

    preset = solo("bass", "drums", bars=BARS, bpm=Fraction(BPM))
    worker = Worker(open_link)
    worker.wait_ready()
    rig = play_recording(2, music(BARS + 2, RATE, BPM), RATE, "signal")
    (tmp_path / "takes").mkdir()
    take = new_take(tmp_path / "takes", preset)
    session = Session(preset, rig, worker, preset.store(), take, origin_samples=0)
    broken_s: list[float] = []
    troubles: set[str] = set()

    def on_tick(status: Status) -> None:
        troubles.add(status.trouble)
        if status.bar >= FAULT_BAR and not broken_s:
            broken_s.append(rig.memory.position / RATE)
            fault(links[0], orders)

    started = time.monotonic()
    session.run(on_tick)
    assert time.monotonic() - started < BARS * 240 / BPM + 20  # the jam went on
    events = read_lines(take.folder / EVENTS_FILE)
    plans = [e["time_s"] for e in events if e["type"] == "plan" and e["time_s"] > broken_s[0]]
    lost = [e for e in events if e["type"] == "plan failed"]
    back_s = next(at for at in plans if not lost or at > lost[-1]["time_s"]) - broken_s[0]
    sounding = {
        player: [e["sounding"] for e in events if e["type"] == "bar" and e["player"] == player]
        for player in ("bass", "drums")
    }
    figures = session.figures()
    print(
        f"\n{name}: plans again after {back_s:.1f} s; "
        f"{sum(s.count('repeat') for s in sounding.values()) / 2:g} bars were repeated, "
        f"{len(lost)} plans lost; ISR {figures['bass.isr']:.2f}; {worker.lost_reason}"
    )
    assert worker.restarts == 1 and len(links) == 2
    assert reason in worker.lost_reason
    if lost:
        assert any(lost[0]["reason"] in trouble for trouble in troubles)
    for player, bars in sounding.items():
        assert "silence" not in bars[5:], player
        assert bars[-1] in ("plan", "older plan"), player
    assert np.isfinite(back_s) and back_s < 12.0
