"""What a session plays on: recordings as they are read, and devices as they are asked for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from companion.audio.timebase import OfflineTimebase, StreamTimebase
from companion.device.devices import Device
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from companion.session import rig
from companion.system.errors import CompanionError, NoDevice
from tests.companion.device.fake import FakeWorld
from tests.companion.studio import music

USB = Device(0, "USB Audio", "ALSA", 2, 2, 48_000.0, True, True, 0)
ODD = Device(1, "Odd", "ALSA", 1, 1, 22_255.0, False, False, 0)


def write(path: Path, audio: np.ndarray, rate: int = 48_000, **settings: Any) -> Path:
    soundfile.write(path, audio, rate, **settings)
    return path


def test_a_recording_is_read_as_mono_at_its_own_rate(tmp_path: Path) -> None:
    stereo = np.stack([music(1, 44_100), -0.5 * music(1, 44_100)], axis=1)
    recording = rig.read_recording(write(tmp_path / "a.wav", stereo, 44_100, subtype="FLOAT"))
    signal, rate = recording.heard, recording.rate
    assert rate == 44_100
    assert signal.dtype == np.float32
    assert np.allclose(signal, 0.25 * music(1, 44_100), atol=1e-7)


@pytest.mark.parametrize("rate", [8_000, 32_000, 44_100, 96_000, 192_000])
def test_rates_that_devices_have_are_kept(rate: int) -> None:
    signal = music(1, rate)
    kept, same = rig.to_device_rate(signal, rate)
    assert kept is signal
    assert same == rate


@pytest.mark.parametrize("rate", [50, 7_000, 11_025, 22_255, 44_099, 384_000])
def test_other_rates_become_48_kHz_and_the_music_stays_in_place(rate: int) -> None:
    time_s = np.arange(2 * rate) / rate
    tone = (0.5 * np.sin(2 * np.pi * 10 * time_s)).astype(np.float32)
    signal, new = rig.to_device_rate(tone, rate)
    assert (new, len(signal)) == (48_000, 96_000)
    expected = 0.5 * np.sin(2 * np.pi * 10 * np.arange(96_000) / 48_000)
    middle = slice(24_000, 72_000)
    assert np.abs(signal[middle] - expected[middle]).max() < 0.01


def bad_recordings(folder: Path) -> dict[str, Path]:
    nan = music(1)
    nan[100] = np.nan
    (folder / "text.wav").write_text("no audio at all")
    return {
        "missing": folder / "nowhere.wav",
        "is a folder": folder,
        "no audio": folder / "text.wav",
        "empty": write(folder / "empty.wav", np.zeros(0, np.float32)),
        "NaN": write(folder / "nan.wav", nan, subtype="FLOAT"),
        "silent": write(folder / "silent.wav", 1e-4 * music(1)),
    }


@pytest.mark.parametrize("what", ["missing", "is a folder", "no audio", "empty", "NaN", "silent"])
def test_a_recording_that_cannot_be_used_is_named_with_what_would_do(
    tmp_path: Path, what: str
) -> None:
    path = bad_recordings(tmp_path)[what]
    with pytest.raises(CompanionError, match=what) as caught:
        rig.read_recording(path)
    message = str(caught.value)
    assert str(path) in message
    assert "valid: " in message
    assert "\n" not in message


def test_a_recording_as_fast_as_it_goes_comes_out_on_the_offline_clock() -> None:
    made = rig.run_recording(2, music(1), 32_000, "song.wav")
    assert isinstance(made.timebase, OfflineTimebase)
    assert (made.rate, made.memory.players, made.input) == (32_000, 2, "song.wav")
    assert made.timebase.wait_until(12_345) == 12_345
    assert np.array_equal(made.memory.capture(0, 12_345), music(1)[:12_345])
    made.stream.close()


def test_a_recording_at_real_speed_stands_still_until_it_is_started() -> None:
    made = rig.play_recording(1, music(1), 32_000, "song.wav")
    assert isinstance(made.timebase, StreamTimebase)
    assert made.memory.position == 0
    made.stream.start()
    started_s = time.monotonic()
    reached = made.timebase.wait_until(3200)
    made.stream.close()
    assert reached >= 3200
    assert made.memory.position / 32_000 < time.monotonic() - started_s + 0.1
    assert np.array_equal(made.memory.capture(0, 3200), music(1)[:3200])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> FakeWorld:
    """What is plugged in."""
    world = FakeWorld((USB, ODD))

    def supervise(players: int, wanted: Wanted, block: int) -> Supervisor:
        return Supervisor(players, wanted, block, world.open_link, world.clock, world.sleep)

    monkeypatch.setattr(rig, "Supervisor", supervise)
    return world


def test_a_device_gives_its_rate_and_its_name(world: FakeWorld) -> None:
    made = rig.open_device(3, Wanted("usb"))
    assert (made.rate, made.memory.players) == (48_000, 3)
    assert (made.input, made.output) == ("USB Audio", "USB Audio")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"input": "Focusrite"}, "there is no input device 'Focusrite'"),
        ({"output": "7"}, "there is no output device '7'"),
        ({"input": "Odd", "output": "Odd"}, "22255 Hz"),
        ({"rate": 44_101}, "44101 Hz"),
    ],
)
def test_what_no_device_can_do_is_named(world: FakeWorld, asked: dict, named: str) -> None:
    with pytest.raises(CompanionError, match=named) as caught:
        rig.open_device(1, Wanted(**asked))
    assert not isinstance(caught.value, NoDevice)
    assert "\n" not in str(caught.value)


def test_no_device_at_all_is_told_apart(world: FakeWorld) -> None:
    world.devices = ()
    with pytest.raises(NoDevice):
        rig.open_device(1, Wanted())
    with pytest.raises(CompanionError, match="USB") as caught:
        rig.open_device(1, Wanted("USB"))
    assert not isinstance(caught.value, NoDevice)


def test_where_a_device_is_looked_at_is_when_it_is_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path))
    world = FakeWorld((USB,))
    world.latency_s = 0.010, 0.030
    stream = Supervisor(1, Wanted(), 64, world.open_link, world.clock, world.sleep)
    stream._run = lambda: None  # type: ignore[method-assign]  # looked at by the test only
    on_it = rig.Rig(stream.memory, stream, StreamTimebase(stream.memory), "in", "out")
    stream.start()
    world.sleep(0.5)
    stream.tick()
    heard_s, position = on_it.look()
    stream.close()
    assert position == stream.memory.position
    assert heard_s - world.now_s == pytest.approx(0.030, abs=2 * 64 / USB.default_rate)


def test_a_recording_is_heard_when_it_is_played() -> None:
    on_it = rig.run_recording(1, music(1, 48_000), 48_000, "music")
    assert on_it.look() == (on_it.seconds(), on_it.memory.position)
