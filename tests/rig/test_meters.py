"""In 6/8 and 12/8 at 80 dotted quarters other programs count 120 quarter notes, led and leading."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.rig.jack import ROOT, JackServer
from tests.rig.jam_run import Jam, TakeRead
from tests.rig.test_link import PRIVATE

SIDE = "tests.rig.quarter_side"
QUARTERS, BEATS = 120.0, 80.0
WITHIN_BPM = 0.1
SETTLE_S, MEASURED_S = 9.0, 15.0
AT_ONCE_S = 0.1
"""Between a bar line and its message, on a machine that does other things as well."""
METERS = {"6/8": 3, "12/8": 6}
"""Quarter notes in a bar."""


def a_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def write_preset(folder: Path, meter: str, bpm: float, port: int, **content: object) -> str:
    content = {
        **{"bpm": bpm, "meter": meter, "players": [{"name": "bass"}], "count_in_bars": 1},
        **{"osc": {"port": 0, "send": [{"host": "127.0.0.1", "port": port}]}},
        **{"generator": {"name": "standin", "in_process": True}},
        **content,
    }
    path = folder / "meter.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def played_bars(meter: str) -> tuple[int, int]:
    """The first bar after it has settled, and the last."""
    bar_s = METERS[meter] * 60 / QUARTERS
    first = int(SETTLE_S / bar_s) + 1
    return first, first + int(MEASURED_S / bar_s)


def beats_of(take: TakeRead, meter: str, since_bar: int = 0) -> float:
    """The tempo of the measured bars by the take's own tempo map, dotted quarters a minute."""
    first, last = (since_bar + bar for bar in played_bars(meter))
    missed = take.of("end")[0]["figures"]["missed_samples"]
    print(f"\n{missed} samples lost by the device", file=sys.stderr)
    seconds = (take.line(last) - take.line(first)) / take.events[0]["rate"]
    return (last - first) * METERS[meter] / 1.5 * 60 / seconds


def bar_error_s(bars: list[float], meter: str) -> float:
    """How far the bar lines that were told are from those of another program, median."""
    quarters = METERS[meter]
    whole = (np.array(bars[-6:]) + quarters / 2) % quarters - quarters / 2
    return float(np.median(whole)) * 60 / QUARTERS


def end(jam: Jam) -> None:
    jam.interrupt()
    assert jam.wait() == 0, jam.errors


def in_private(folder: Path, meter: str, role: str) -> tuple[float, float, float]:
    """Tempo of the take, tempo of the peer, and how far their bars are apart, seconds."""
    private = ["unshare", "--net", "bash", "-c", PRIVATE, "bash"]
    done = subprocess.run(
        [*private, sys.executable, "-m", "tests.rig.test_meters", meter, role, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    beats, peer, off_s = json.loads(done.stdout.splitlines()[-1])
    return beats, peer, off_s


def beside_a_peer(meter: str, role: str, folder: Path) -> None:
    """A jam and a peer on Link, each the other's only one; `role` is the jam's."""
    port = a_port()
    led = role == "led"
    preset = write_preset(folder, meter, 100 if led else BEATS, port, clock="link")
    peer_bpm = QUARTERS if led else 97.0
    with JackServer(folder, real_time=True) as server:
        join = ["-m", SIDE, "link", str(peer_bpm), str(METERS[meter]), str(port)]
        if led:
            peer = server.python(*join)
            peer.expect("started")
            time.sleep(2.0)
        with Jam(server, preset) as jam:
            if not led:
                jam.wait_event("bar", bar=0)
                peer = server.python(*join)
                peer.expect("started")
            jam.wait_event("bar", bar=played_bars(meter)[1] + 1)
            peer.close_input()
            tempo, peers, bars = peer.expect("link")
            end(jam)
        assert peers == 1
        print(json.dumps([beats_of(jam.take(), meter), tempo, bar_error_s(bars, meter)]))


@pytest.fixture
def jack_server(tmp_path: Path) -> Iterator[JackServer]:
    """One that does not wait: a server that did would not keep time on a busy machine."""
    with JackServer(tmp_path, real_time=True) as server:
        yield server


# Alone: on a busy machine JACK may lose ticks, and a master tells its place only when it starts.
@pytest.mark.parametrize("meter", METERS)
def test_led_by_midi_clock(meter: str, tmp_path: Path, jack_server: JackServer) -> None:
    port = a_port()
    preset = write_preset(tmp_path, meter, 100, port, clock="midi", midi={"clock_out": True})
    with Jam(jack_server, preset) as jam:
        master = jack_server.python("-m", SIDE, "master", str(QUARTERS), str(port))
        slave = jack_server.python("-m", SIDE, "slave")
        slave.expect("listening")
        master.expect("started")
        since = 1 + max([e["bar"] for e in jam._events() if e["type"] == "bar"], default=0)
        jam.wait_event("bar", bar=since + played_bars(meter)[1] + 1)
        for child in (slave, master):
            child.close_input()
        told, read = master.expect("bars"), slave.expect("quarters")
        end(jam)
    beats, off_s = beats_of(jam.take(), meter, since), bar_error_s(told, meter)
    print(
        f"\n{meter} led by MIDI clock: take {beats:.3f} BPM, slave {read:.3f}, bar {off_s:+.3f} s"
    )
    assert beats == pytest.approx(BEATS, abs=WITHIN_BPM)
    assert read == pytest.approx(QUARTERS, abs=WITHIN_BPM)
    assert abs(off_s) < AT_ONCE_S
    assert jam.take().of("incident", what="clock") == []


@pytest.mark.by_the_clock
@pytest.mark.parametrize("meter", METERS)
def test_leading_by_midi_clock(meter: str, tmp_path: Path, jack_server: JackServer) -> None:
    preset = write_preset(tmp_path, meter, BEATS, a_port(), midi={"clock_out": True})
    with Jam(jack_server, preset) as jam:
        slave = jack_server.python("-m", SIDE, "slave")
        jam.wait_event("bar", bar=played_bars(meter)[1] + 1)
        slave.close_input()
        read = slave.expect("quarters")
        end(jam)
    beats = beats_of(jam.take(), meter)
    print(f"\n{meter} leading by MIDI clock: take {beats:.3f} BPM, slave {read:.3f}")
    assert beats == pytest.approx(BEATS, abs=WITHIN_BPM)
    assert read == pytest.approx(QUARTERS, abs=WITHIN_BPM)


@pytest.mark.by_the_clock
@pytest.mark.parametrize("meter", METERS)
def test_led_by_link(meter: str, tmp_path: Path) -> None:
    beats, peer, off_s = in_private(tmp_path, meter, "led")
    print(f"\n{meter} led by Link: take {beats:.3f} BPM, peer {peer:.3f}, bar {off_s:+.3f} s")
    assert beats == pytest.approx(BEATS, abs=WITHIN_BPM)
    assert peer == pytest.approx(QUARTERS, abs=WITHIN_BPM)
    assert abs(off_s) < AT_ONCE_S


@pytest.mark.by_the_clock
@pytest.mark.parametrize("meter", METERS)
def test_leading_on_link(meter: str, tmp_path: Path) -> None:
    beats, peer, off_s = in_private(tmp_path, meter, "leading")
    print(f"\n{meter} leading on Link: take {beats:.3f} BPM, peer {peer:.3f}, bar {off_s:+.3f} s")
    assert beats == pytest.approx(BEATS, abs=WITHIN_BPM)
    assert peer == pytest.approx(QUARTERS, abs=WITHIN_BPM)
    assert abs(off_s) < AT_ONCE_S


if __name__ == "__main__":
    beside_a_peer(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
