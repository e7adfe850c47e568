"""Takes survive what happens on stage: the process killed at any moment, a disk that fills up.

A jam in a process of its own plays the bundled recording at real speed (there is no sound device
here); the faults are real ones.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.udp_client import SimpleUDPClient

from companion.replay.replay import replay
from companion.system.errors import CompanionError
from companion.take.recover import recover
from tests.companion.lines import read_lines
from tests.rig.jack import ROOT

pytestmark = pytest.mark.side_by_side
PRESET = """
count_in_bars: 0
cycle: 1
players: [{name: bass}, {name: drums, instrument: drums}]
generator: {name: standin, in_process: true}
"""
NAMES = ("input", "input-stereo", "bass", "drums")
BEFORE_S = 0.5  # between the stream's start and bar 0, with which the take begins
START_LIMIT_S = 120.0


def start_jam(
    folder: Path, takes: Path, *options: str, preset: str = PRESET
) -> subprocess.Popen[bytes]:
    path = folder / "rig.yaml"
    path.write_text(preset)
    played = () if "--resume" in options else (str(path),)  # else with the preset of the take
    command = [sys.executable, "-m", "companion.cli.app", "jam", *played, "--takes", str(takes)]
    nowhere = {"JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": "companion-no-server"}
    return subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, **nowhere, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_begun(takes: Path, jam: subprocess.Popen[bytes]) -> tuple[Path, float]:
    """The take's folder as soon as it has begun, and when that was."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and jam.poll() is None:
        for log in takes.glob("*/events.jsonl"):
            if log.read_bytes().endswith(b"\n"):
                return log.parent, time.monotonic()
        time.sleep(0.005)
    raise AssertionError(f"no take after {START_LIMIT_S} s: {jam.communicate(timeout=5)}")


@pytest.mark.parametrize("seed", range(4))
def test_a_jam_killed_at_any_moment_leaves_files_that_open_and_loses_less_than_a_second(
    tmp_path: Path, seed: int
) -> None:
    takes = tmp_path / "takes"
    with start_jam(tmp_path, takes) as jam:
        folder, begun_s = wait_begun(takes, jam)
        time.sleep(BEFORE_S + random.Random(seed).uniform(1.2, 6.0))
        with pytest.raises(CompanionError, match="still being written"):
            recover(folder)
        jam.kill()
        killed_s = time.monotonic()
    played_s = killed_s - begun_s - BEFORE_S
    for name in NAMES:  # as they are, for readers that trust the header
        info = soundfile.info(folder / f"{name}.wav")
        assert played_s - 1.0 <= info.duration <= played_s + 0.2
        said = subprocess.run(
            ["sox", folder / f"{name}.wav", "-n", "stat"], capture_output=True, text=True
        )
        assert said.returncode == 0
        assert "WARN" not in said.stderr
    lines = (folder / "events.jsonl").read_bytes().split(b"\n")
    assert all(json.loads(line) for line in lines[:-1])  # all but the last are whole
    found = recover(folder)
    assert played_s - 1.0 <= found.seconds <= played_s + 0.2
    lengths = {soundfile.info(folder / f"{name}.wav").frames for name in NAMES}
    assert len(lengths) == 1
    heard, _ = soundfile.read(folder / "input.wav", dtype="float32")
    assert np.abs(heard[-2_000:]).max() > 1e-3
    assert read_lines(folder / "events.jsonl")[-1]["type"] == "end"


def test_a_set_that_was_killed_goes_on_at_the_next_bar(tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    with start_jam(tmp_path, takes, preset=PRESET + "bars: 4\n") as jam:
        folder, _ = wait_begun(takes, jam)
        time.sleep(BEFORE_S + 3.2)  # into the second bar, of 2.5 s
        jam.kill()
    with start_jam(tmp_path, takes, "--resume", str(folder)) as jam:
        out, errors = jam.communicate(timeout=90)
    assert (jam.returncode, errors) == (0, b"")
    assert f"going on from take {folder.name}, at bar 3".encode() in out
    (again,) = [path for path in takes.iterdir() if path != folder]
    begun, *_, ended = read_lines(again / "events.jsonl")
    assert (begun["continues"], begun["bars_before"], begun["bars"]) == (folder.name, 2, 2)
    assert begun["players"] == ["bass", "drums"]
    assert ended["reason"] == "last bar"


def osc_port() -> int:
    """A port that nobody uses, for the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_live_set_with_knobs_replays_to_the_sample(tmp_path: Path) -> None:
    port, bars = osc_port(), 8
    preset = f"""
count_in_bars: 0
cycle: 1
bars: {bars}
players:
  - {{name: bass}}
  - {{name: drums, instrument: drums}}
generator: {{name: standin}}
osc: {{port: {port}}}
"""
    moves: list[tuple[str, float | int]] = [
        ("/companion/drums/level", -7.7),
        ("/companion/bass/guidance_audio", 2.345678),
        ("/companion/drums/mute", 1),
        ("/companion/bass/regenerate", 1),
        ("/companion/drums/mute", 0),
        ("/companion/bass/level", 3.3),
    ]
    with start_jam(tmp_path, tmp_path / "takes", preset=preset) as jam:
        folder, _ = wait_begun(tmp_path / "takes", jam)
        knobs = SimpleUDPClient("127.0.0.1", port)
        for address, value in moves:
            time.sleep(bars * 2.4 / len(moves))
            knobs.send_message(address, value)
        _, errors = jam.communicate(timeout=120)
    assert (jam.returncode, errors) == (0, b"")
    kinds = [event["type"] for event in read_lines(folder / "events.jsonl")]
    assert kinds.count("gain") >= 4
    assert kinds.count("plan") >= 2
    replayed = replay(folder)
    assert replayed.notes == []
    assert replayed.differences == {"bass": None, "drums": None}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2.5 MB, which is full after three seconds of the four files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_stops_the_recording_and_the_music_goes_on(
    tmp_path: Path, small_disk: Path
) -> None:
    with start_jam(tmp_path, small_disk / "takes", "--bars", "5") as jam:
        out, errors = jam.communicate(timeout=90)
    assert jam.returncode == 2  # the take is not whole, and that is said
    assert b"recording has stopped" in errors
    assert b"No space left on device" in errors
    assert errors.count(b"\n") == 1
    (folder,) = (small_disk / "takes").iterdir()
    for name in NAMES:
        audio, rate = soundfile.read(folder / f"{name}.wav", dtype="float32")
        assert 1.0 < len(audio) / rate < 5.0  # of 12.6 s that were played
    assert np.abs(soundfile.read(folder / "input.wav")[0][-2_000:]).max() > 1e-3
    figures = dict(line.split() for line in out.decode().splitlines() if ".plans" in line)
    assert float(figures["bass.plans"]) >= 2  # it went on playing to the last bar
    lengths = [soundfile.info(folder / f"{name}.wav").duration for name in NAMES]
    assert max(lengths) - min(lengths) <= 1.0
