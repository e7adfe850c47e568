"""The examples run as they stand."""

from __future__ import annotations

import socket
import sys
import threading
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from tests.companion.studio import music, play, solo

ROOT = Path(__file__).parents[1]
BARS_S = 2.0


@pytest.fixture(autouse=True)
def _examples_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "examples"), *sys.path])


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """Eight bars at 120 BPM, two seconds each."""
    rate = 32_000
    time_s = np.arange(8 * int(BARS_S * rate)) / rate
    path = tmp_path / "music.wav"
    soundfile.write(
        path, 0.3 * np.sin(2 * np.pi * 220 * time_s) * np.exp(-4 * (time_s % 0.5)), rate
    )
    return str(path)


def test_every_example_is_tried() -> None:
    here = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert here == {"render_from_python", "own_generator", "drive_over_osc", "read_a_take"}


def test_render_from_python(recording: str, tmp_path: Path) -> None:
    example = import_module("render_from_python")
    stem = tmp_path / "stem.wav"
    example.main(recording, "120", str(stem), example.PRESET.replace("model", "standin"))
    audio, rate = soundfile.read(stem)
    assert len(audio) == 8 * BARS_S * rate
    assert np.abs(audio[int(4 * BARS_S * rate) :]).max() > 0.1


def test_a_generator_of_ones_own_plays_in_time(recording: str, tmp_path: Path) -> None:
    stem = tmp_path / "stem.wav"
    import_module("own_generator").main(recording, "120", str(stem))
    audio, rate = soundfile.read(stem)
    bars = audio.reshape(8, int(BARS_S * rate))
    assert not bars[:4].any()  # the first cycle is listened to
    halves = np.abs(bars[4:, rate // 100 :]).reshape(4, -1)
    middle = halves.shape[1] // 2
    assert (halves[:, :middle].mean(axis=1) > 2 * halves[:, middle:].mean(axis=1)).all()


def test_drive_over_osc() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as jam,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free,
    ):
        jam.bind(("127.0.0.1", 0))
        jam.settimeout(10)
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]
        free.close()
        main = import_module("drive_over_osc").main
        driving = threading.Thread(target=main, args=(jam.getsockname()[1], own), daemon=True)
        driving.start()
        told, sent = SimpleUDPClient("127.0.0.1", own), []
        for bar in range(1, 50):
            told.send_message("/companion/bar", bar)
            driving.join(0.05)
            if not driving.is_alive():
                break
        while not sent or sent[-1][0] != "/companion/bass/mute":
            (message,) = OscPacket(jam.recv(4096)).messages
            sent.append((message.message.address, message.message.params[0]))
    assert sent[:-1] == [("/companion/bass/guidance_audio", 1.0 + n) for n in range(1, 5)]


def test_read_a_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = play(tmp_path, solo(bars=8), music(8))
    import_module("read_a_take").main(str(played.take))
    assert capsys.readouterr().out == "bass: 5 plans; sounds in 4 of 8 bars, 16.0 s\n"
