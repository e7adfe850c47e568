"""Other programs hear the companion: liblo's `oscdump`, and Pure Data."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from companion.control.osc import OscServer
from companion.control.osc_out import OscSender
from companion.control.preset import OscPreset, OscTarget
from companion.session.rig import run_recording
from companion.session.session import Session
from tests.companion.studio import RATE, music, solo, standin

pytestmark = pytest.mark.side_by_side
HEARD_LIMIT_S = 30.0
PATCH = Path(__file__).with_name("feed.pd")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def listening(words: list[str], log: Path) -> Iterator[Callable[[], str]]:
    """A program that prints what it hears; yields what it has printed."""
    with log.open("wb") as out:
        program = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield lambda: log.read_text(encoding="utf-8", errors="replace")
        finally:
            program.terminate()
            program.wait(20)


def until_heard(sender: OscSender, heard: Callable[[], str], word: str) -> None:
    """Knock until the program has its port open."""
    deadline = time.monotonic() + HEARD_LIMIT_S
    while word not in heard():
        assert time.monotonic() < deadline, f"never heard: {heard()[-500:]}"
        sender.send([("/companion/knock", (1,))])
        time.sleep(0.05)


def play(sender: OscSender, bars: int) -> None:
    preset = solo(bars=bars)
    rig = run_recording(1, music(bars), RATE, "signal")
    Session(preset, rig, standin(), preset.store(), None, 0, 0, osc=sender).run()
    assert sender.dropped == 0
    sender.send([("/companion/end", (1,))])


def test_oscdump_hears_every_bar_and_beat_with_their_metrics(tmp_path: Path) -> None:
    port = free_port()
    with (
        closing(OscSender([OscTarget(port)])) as sender,
        listening(["oscdump", "-L", str(port)], tmp_path / "oscdump.txt") as heard,
    ):
        until_heard(sender, heard, "/companion/knock")
        play(sender, bars=6)
        until_heard(sender, heard, "/companion/end")
        text = heard()
    bars = re.findall(r"/companion/bar i (-?\d+)", text)
    assert bars == ["1", "2", "3", "4", "5", "6"]
    beats = re.findall(r"/companion/beat iif (\d) (\d) 120\.0+", text)
    assert beats == [(str(beat), str(bar)) for bar in range(1, 7) for beat in range(1, 5)]
    assert '/companion/bass/metrics/sounding s "plan"' in text
    assert re.search(r"/companion/bass/metrics/steps i \d+", text)
    assert re.search(r"/companion/metrics/isr f 1\.0+", text)
    assert re.search(r"/companion/bass/meter f 0\.\d+", text)
    assert '/companion/bass/instrument s "bass"' in text
    assert "/companion/bass/mute i 0" in text


def test_pure_data_hears_it_as_the_readme_says(tmp_path: Path) -> None:
    port = free_port()
    patch = tmp_path / "feed.pd"
    patch.write_text(PATCH.read_text().replace("9001", str(port)))
    words = ["pd", "-nogui", "-noaudio", "-stderr", str(patch)]
    with (
        closing(OscSender([OscTarget(port)])) as sender,
        listening(words, tmp_path / "pd.txt") as heard,
    ):
        until_heard(sender, heard, "knock")
        play(sender, bars=5)
        until_heard(sender, heard, "end")
        text = heard()
    assert re.findall(r"companion bar (\d)", text) == ["1", "2", "3", "4", "5"]
    assert "companion beat 1 5 120" in text
    assert "companion metrics isr 1" in text


def test_oscdump_hears_what_oscsend_subscribed_it_to(tmp_path: Path) -> None:
    port = free_port()
    store = solo().store()
    with (
        closing(OscServer(store, OscPreset(port=0))) as server,
        closing(OscSender((), server.places, (server.subscribers, server.latest))) as sender,
        listening(["oscdump", "-L", str(port)], tmp_path / "oscdump.txt") as heard,
    ):

        def oscsend(*words: str) -> None:
            command = ["oscsend", "localhost", str(server.port), *words]
            subprocess.run(command, check=True, timeout=HEARD_LIMIT_S)

        oscsend("/companion/subscribe", "i", str(port))
        until_heard(sender, heard, "/companion/knock")
        oscsend("/companion/subscribe", "i", str(port))  # once more: oscdump may have been late
        oscsend("/companion/bass/level/normalised", "f", "0")
        oscsend("/companion/dump")  # which is told to who asks: oscsend does not listen
        deadline = time.monotonic() + HEARD_LIMIT_S
        while store.snapshot("bass")["level"] != -60.0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        sender.send_more([("/companion/bass/level", (-60.0,))])
        sender.send([("/companion/end", (1,))])
        until_heard(sender, heard, "/companion/end")
        text = heard()
    assert "/companion/bass/mute i 0" in text
    assert "/companion/bass/level/normalised f 0." in text
    assert "/companion/bass/level f -60.0" in text
