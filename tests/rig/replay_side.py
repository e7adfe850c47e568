"""A set of the model led by a clock, and its replay: ``python -m tests.rig.replay_side CLOCK``.

``internal``, ``tap``, ``midi`` or ``link``; there is no count-in, and the music plays before the
take begins. It says how the set went and what ``companion replay`` printed, and ends with the
replay's exit status. For ``link`` run it in a network of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rtmidi
import soundfile
import soxr
import yaml
from pythonosc.udp_client import SimpleUDPClient

from companion.clock.link import open_link
from companion.clock.midi_clock import START, TICK, TICKS_A_QUARTER
from tests.rig.feeder import Feeder
from tests.rig.jack import ROOT, JackServer
from tests.rig.jam_run import Jam

RATE = 48_000
BPM, ITS_BPM = 95, 99.0
"""Of the preset, and of who leads it."""
PLAYED_BARS = 3
"""So many bars of plans and the set may end."""
START_TICK = 60
"""2.5 beats into its clock, which began with the take."""
SONG = ROOT / "tests" / "data" / "real" / "rock-095.ogg"
PRESET = {
    "count_in_bars": 0,
    "cycle": 1,
    "players": [{"name": "bass", "steps": 2}, {"name": "keys", "instrument": "piano", "steps": 2}],
    "midi": {},
    "osc": {"port": 0},
}


@contextlib.contextmanager
def midi_master(server: JackServer) -> Iterator[None]:
    """Ticks to the companion's port, and after a while a start, in the middle of its bar."""
    os.environ["JACK_DEFAULT_SERVER"] = server.name
    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="master")
    names = out.get_ports()
    out.open_port(next(n for n, name in enumerate(names) if "companion:knobs" in name), "out")
    ended = threading.Event()

    def send() -> None:
        started_s, interval_s = time.monotonic(), 60 / ITS_BPM / TICKS_A_QUARTER
        for number in itertools.count():
            if ended.wait(max(0.0, started_s + number * interval_s - time.monotonic())):
                return
            if number == START_TICK:
                out.send_message([START])
            out.send_message([TICK])

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()
    out.close_port()
    out.delete()


def tap(jam: Jam) -> None:
    port = re.search(r"OSC: 127\.0\.0\.1:(\d+)", jam.printed)
    assert port is not None, jam.printed
    knobs = SimpleUDPClient("127.0.0.1", int(port[1]))
    started_s = time.monotonic()
    for number in range(8):
        time.sleep(max(0.0, started_s + number * 60 / ITS_BPM - time.monotonic()))
        knobs.send_message("/companion/tap", 1)


def music() -> np.ndarray:
    samples, rate = soundfile.read(SONG, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, RATE, quality="HQ")
    return np.resize(mono, 120 * RATE)


def main(clock: str) -> int:
    folder = Path(tempfile.mkdtemp(prefix="replay-"))
    preset = folder / "set.yaml"
    preset.write_text(yaml.safe_dump({**PRESET, "clock": clock}))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(JackServer(folder, rate=RATE))
        if clock == "link":
            peer = open_link(ITS_BPM, 4)
            stack.callback(peer.close)
            time.sleep(1.0)
            peer.state()  # half a second after it was made it may join
        feeder = Feeder(server, music(), 10 * RATE)
        jam = stack.enter_context(Jam(server, str(preset), "--bpm", str(BPM)))
        begun = jam.wait_event("take", limit_s=300.0)
        if clock == "tap":
            tap(jam)
        if clock == "midi":
            stack.enter_context(midi_master(server))
        planned = begun
        for _ in range(PLAYED_BARS * len(PRESET["players"])):
            planned = jam.wait_event("bar", after=planned, limit_s=200.0, sounding="plan")
        last = jam.wait_event("bar", after=planned)
        jam.wait_event("bar", after=last)
        jam.interrupt()
        code = jam.wait()
        feeder.finish()
    take = jam.take()
    assert code == 0, jam.errors
    bars = [(event["player"], event["sounding"]) for event in take.of("bar")]
    tempi = [round(event["bpm"], 1) for event in take.of("tempo")]
    print(f"{clock}: {len(bars)} bars, {take.pace}")
    print(f"tempi {tempi[:8]} .. {tempi[-1:]}; bars of plans {sum(s == 'plan' for _, s in bars)}")
    assert tempi or clock == "internal"
    replay = [sys.executable, "-m", "companion.cli.app", "replay", str(take.folder)]
    ended = subprocess.run(replay, capture_output=True, text=True, cwd=ROOT)
    print(ended.stdout + ended.stderr)
    return ended.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
