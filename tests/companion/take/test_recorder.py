"""The take's files hold exactly what the stream heard and sounded, and never stop the music."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.system.errors import CompanionError
from companion.take.recorder import TakeRecorder
from companion.take.wave_file import WaveWriter
from tests.companion.take.tape import FakeTape, ramp

RATE = 1000
VOICES = {"bass": 1, "drums": 2}
NAMES = {"input.wav": 0, "bass.wav": 1, "drums.wav": 2}


def read(folder: Path, name: str) -> np.ndarray:
    audio, rate = soundfile.read(folder / name, dtype="float32")
    assert rate == RATE
    return audio


@settings(max_examples=30)
@given(
    start=st.integers(0, 3000),
    advances=st.lists(st.integers(0, 2500), max_size=8),
    short_by=st.integers(0, 500),
)
def test_every_file_holds_the_same_stretch_of_the_stream(
    tmp_path_factory: pytest.TempPathFactory, start: int, advances: list[int], short_by: int
) -> None:
    folder = tmp_path_factory.mktemp("take")
    tape = FakeTape()
    recorder = TakeRecorder(folder, tape, VOICES, RATE, start)
    for advance in advances:
        tape.position += advance
        recorder.drain()
    end = max(start, tape.position - short_by)
    recorder.finish(tape.position - short_by)
    drained = round(recorder.seconds * RATE)
    assert end - start <= drained <= max(0, tape.position - start)
    for name, voice in NAMES.items():
        assert np.array_equal(read(folder, name), ramp(start, drained, voice))
    assert recorder.lost_samples == 0
    assert recorder.error is None


class Echo:
    """What was taken away: nothing before a frame, from there on numbers."""

    def __init__(self, since: int) -> None:
        self.position, self.since = 0, since

    def echo(self, start: int, n: int, /) -> np.ndarray:
        if start + n > self.position:
            raise CompanionError("not known yet")
        frames = np.arange(start, start + n, dtype=np.float32)
        return np.where(frames >= self.since, frames, 0.0).astype(np.float32)


@settings(max_examples=30)
@given(
    start=st.integers(0, 3000),
    since=st.integers(1, 8000),
    advances=st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 3000)), max_size=8),
)
def test_what_was_taken_out_of_the_input_has_a_file_once_there_is_any(
    tmp_path_factory: pytest.TempPathFactory,
    start: int,
    since: int,
    advances: list[tuple[int, int]],
) -> None:
    folder = tmp_path_factory.mktemp("take")
    tape, echo = FakeTape(), Echo(since)
    recorder = TakeRecorder(folder, tape, VOICES, RATE, start, echo)
    for advance, behind in advances:
        tape.position += advance
        echo.position = max(echo.position, tape.position - behind)
        recorder.drain()
    echo.position = tape.position
    recorder.finish(tape.position)
    heard = read(folder, "input.wav")
    if start + len(heard) > max(start, since):
        assert len(read(folder, "echo.wav")) == len(heard)
        frames = np.arange(start, start + len(heard))
        assert np.array_equal(read(folder, "echo.wav"), np.where(frames >= since, frames, 0))
    else:
        assert not (folder / "echo.wav").exists()


def test_a_disk_that_is_full_when_the_first_echo_comes_leaves_no_half_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape, echo = FakeTape(), Echo(300)
    recorder = TakeRecorder(tmp_path, tape, VOICES, RATE, 0, echo)

    def full(self: WaveWriter, frames: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WaveWriter, "append_silence", full)
    tape.position = echo.position = 2500
    recorder.finish(2500)
    assert "echo.wav" in (recorder.error or "")
    assert not (tmp_path / "echo.wav").exists()
    assert len(read(tmp_path, "input.wav")) == 2500


def test_an_echo_that_falls_silent_takes_no_room_on_the_disk(tmp_path: Path) -> None:
    file = WaveWriter(tmp_path / "echo.wav", RATE)
    file.append_silence(2**20)
    file.append(np.ones(10, np.float32))
    audio = read(tmp_path, "echo.wav")
    assert len(audio) == file.frames == 2**20 + 10
    assert not audio[:-10].any() and audio[-10:].all()
    assert 512 * (tmp_path / "echo.wav").stat().st_blocks < 2**20


def test_finish_ends_on_the_exact_sample(tmp_path: Path) -> None:
    tape = FakeTape()
    recorder = TakeRecorder(tmp_path, tape, VOICES, RATE, 100)
    tape.position = 5000
    recorder.finish(4321)
    assert all(len(read(tmp_path, name)) == 4221 for name in NAMES)


def test_a_stream_that_died_ends_the_take_where_it_got(tmp_path: Path) -> None:
    tape = FakeTape()
    recorder = TakeRecorder(tmp_path, tape, VOICES, RATE, 0)
    tape.position = 700
    recorder.finish(5000)
    assert all(len(read(tmp_path, name)) == 700 for name in NAMES)


def test_the_thread_records_until_finish(tmp_path: Path) -> None:
    tape = FakeTape()
    recorder = TakeRecorder(tmp_path, tape, VOICES, RATE, 0)
    recorder.start()
    for position in range(0, 3001, 50):
        tape.position = position
    recorder.finish(3000)
    recorder.finish(3000)
    for name, voice in NAMES.items():
        assert np.array_equal(read(tmp_path, name), ramp(0, 3000, voice))


def test_what_the_ring_lost_is_silence_and_the_rest_stays_in_place(tmp_path: Path) -> None:
    tape = FakeTape(ring=2000)
    recorder = TakeRecorder(tmp_path, tape, VOICES, RATE, 0)
    tape.position = 5500
    recorder.finish(5500)
    assert recorder.lost_samples == 4000
    for name, voice in NAMES.items():
        audio = read(tmp_path, name)
        assert not audio[:4000].any()
        assert np.array_equal(audio[4000:], ramp(4000, 1500, voice))


def test_a_full_disk_stops_the_recording_and_nothing_else(
    tmp_path: Path, file_size_limit: None
) -> None:
    tape = FakeTape()
    recorder = TakeRecorder(tmp_path, tape, VOICES, RATE, 0)
    for position in range(0, 20001, 1000):
        tape.position = position
        recorder.drain()
    recorder.finish(20000)
    assert recorder.error is not None
    assert "recording has stopped" in recorder.error
    assert "input.wav" in recorder.error
    assert "\n" not in recorder.error
    assert 0 < len(read(tmp_path, "bass.wav")) < 20000


def test_a_folder_that_vanishes_stops_the_recording_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    tape = FakeTape()
    recorder = TakeRecorder(folder, tape, VOICES, RATE, 0)
    for name in NAMES:
        (folder / name).unlink()
    folder.rmdir()
    tape.position = 1000
    recorder.finish(1000)
    assert recorder.error is not None
    assert "input.wav" in recorder.error


@pytest.mark.parametrize("name", ["input", "echo", "", "a/b", "..", "bass drum"])
def test_a_name_that_cannot_name_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CompanionError, match="player name"):
        TakeRecorder(tmp_path, FakeTape(), {name: 1}, RATE, 0)


def test_an_older_take_is_never_overwritten(tmp_path: Path) -> None:
    TakeRecorder(tmp_path, FakeTape(), VOICES, RATE, 0)
    with pytest.raises(CompanionError, match=r"input\.wav"):
        TakeRecorder(tmp_path, FakeTape(), VOICES, RATE, 0)


_RECORD_AND_HANG = """
import sys
from pathlib import Path
from companion.take.recorder import TakeRecorder
from tests.companion.take.tape import FakeTape
tape = FakeTape()
recorder = TakeRecorder(Path(sys.argv[1]), tape, {"bass": 1, "drums": 2}, 1000, 0)
tape.position = 2600
recorder.drain()
print("recorded", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_files_that_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _RECORD_AND_HANG, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"recorded\n"
        process.send_signal(signal.SIGKILL)
    for name, voice in NAMES.items():
        assert soundfile.info(tmp_path / name).frames == 2500
        assert np.array_equal(read(tmp_path, name), ramp(0, 2500, voice))


class Pair(FakeTape):
    """Has two channels of the input: its own number, and that upside down."""

    stereo = True

    def capture_stereo(self, start: int, n: int, /) -> np.ndarray:
        one = self.capture(start, n)
        return np.stack([one, -one], axis=1)


@settings(max_examples=30)
@given(
    start=st.integers(0, 3000),
    advances=st.lists(st.integers(0, 2500), max_size=8),
    ring=st.integers(1500, 9000),
)
def test_two_channels_have_a_file_of_the_same_stretch(
    tmp_path_factory: pytest.TempPathFactory, start: int, advances: list[int], ring: int
) -> None:
    folder = tmp_path_factory.mktemp("take")
    tape = Pair(ring)
    recorder = TakeRecorder(folder, tape, VOICES, RATE, start)
    for advance in advances:
        tape.position += advance
        recorder.drain()
    recorder.finish(tape.position)
    heard = read(folder, "input.wav")  # with silence where the ring had moved on
    assert np.array_equal(read(folder, "input-stereo.wav"), np.stack([heard, -heard], axis=1))


def test_one_channel_has_no_such_file(tmp_path: Path) -> None:
    TakeRecorder(tmp_path, FakeTape(), VOICES, RATE, 0).finish(0)
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)


def test_no_player_is_called_as_the_file_of_two_channels(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match=r"not .*'input-stereo'"):
        TakeRecorder(tmp_path, FakeTape(), {"input-stereo": 1}, RATE, 0)
