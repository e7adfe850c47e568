"""Whatever a crash left becomes a valid take, and what was recorded stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from companion.system.errors import CompanionError
from companion.take.event_log import EventLog, is_locked
from companion.take.events import EVENTS_FILE, Incident, TakeEnded
from companion.take.recover import END_REASON, recover
from companion.take.wave_file import WaveWriter, whole_frames
from tests.companion.lines import read_lines
from tests.companion.take.test_picture import RATE, begin_log

NAMES = ("input", "bass")


def crashed(folder: Path, seconds: dict[str, float] | None = None) -> Path:
    """A take whose process was killed: no end, the last line cut short, files not equally long."""
    folder.mkdir()
    log = begin_log(folder)
    log.write(Incident(bar=2, time_s=6.5, what="test", detail="the last thing that was told"))
    log.close()
    with (folder / EVENTS_FILE).open("ab") as file:
        file.write(b'{"type": "bar", "bar": 3, "ti')
    for name, length in (seconds or {"input": 7.25, "bass": 7.0}).items():
        writer = WaveWriter(folder / f"{name}.wav", RATE)
        writer.append(np.full(round(length * RATE), 0.5, np.float32))
    return folder


def lengths(folder: Path) -> list[int]:
    return [soundfile.info(folder / f"{name}.wav").frames for name in NAMES]


def test_files_end_together_and_the_log_has_an_end(tmp_path: Path) -> None:
    folder = crashed(tmp_path / "take")
    found = recover(folder)
    assert found.seconds == 7.0
    assert lengths(folder) == [7 * RATE] * 2
    events = read_lines(folder / EVENTS_FILE)
    assert [event["type"] for event in events] == ["take", "incident", "end"]
    assert (events[-1]["reason"], events[-1]["time_s"], events[-1]["bar"]) == (END_REASON, 7.0, 2)
    assert found.picture == folder / "take.png"
    assert found.picture.exists()
    assert found.changes == (
        "events.jsonl: 1 broken line dropped",
        "input.wav: the last 0.25 s cut off",
        "the log got an end, in bar 2",
    )


@pytest.mark.parametrize(("had_s", "told"), [(5.5, "1.50 s of silence"), (7.2, "the last 0.20 s")])
def test_an_echo_that_lags_costs_the_other_files_nothing(
    tmp_path: Path, had_s: float, told: str
) -> None:
    folder = crashed(tmp_path / "take", {"input": 7.0, "bass": 7.0, "echo": had_s})
    found = recover(folder, picture=False)
    assert lengths(folder) == [7 * RATE] * 2
    echo, _ = soundfile.read(folder / "echo.wav")
    assert len(echo) == 7 * RATE
    assert np.all(echo[: round(min(had_s, 7.0) * RATE)] == 0.5)
    assert any(change.startswith(f"echo.wav: {told}") for change in found.changes)


def test_again_it_changes_nothing(tmp_path: Path) -> None:
    folder = crashed(tmp_path / "take")
    recover(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".png"}
    assert recover(folder).changes == ()
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".png"}
    assert before == after


def test_a_take_that_ended_well_keeps_its_end(tmp_path: Path) -> None:
    log = begin_log(tmp_path)
    log.write(TakeEnded(bar=3, time_s=7.0, reason="stopped", figures={}))
    log.close()
    for name in NAMES:
        WaveWriter(tmp_path / f"{name}.wav", RATE).append(np.zeros(7 * RATE, np.float32))
    assert recover(tmp_path).changes == ()
    assert read_lines(tmp_path / EVENTS_FILE)[-1]["reason"] == "stopped"


def test_samples_behind_the_last_header_are_kept(tmp_path: Path) -> None:
    folder = crashed(tmp_path / "take")
    for name, more in {"input": 2_000, "bass": 4_000}.items():  # written, not yet counted
        with (folder / f"{name}.wav").open("ab") as file:
            file.write(np.full(more, 0.25, np.float32).tobytes())
    assert recover(folder).seconds == 7.5
    audio, _ = soundfile.read(folder / "bass.wav")
    assert audio[-1] == 0.25


def test_a_file_that_is_lost_costs_the_others_nothing(tmp_path: Path) -> None:
    folder = crashed(tmp_path / "take", {"input": 7.0, "bass": 1.0})
    changes = recover(folder).changes
    assert "bass.wav: 6.00 s of silence put at its end" in changes
    assert lengths(folder) == [7 * RATE] * 2
    (folder / "bass.wav").unlink()
    assert recover(folder).changes == ("bass.wav: 7.00 s of silence put at its end",)
    assert whole_frames(folder / "bass.wav") == 7 * RATE


def test_lines_that_a_power_cut_filled_with_zeros_are_dropped(tmp_path: Path) -> None:
    folder = crashed(tmp_path / "take")
    with (folder / EVENTS_FILE).open("ab") as file:
        file.write(b"\0" * 300 + b"\n")
    recover(folder)
    assert [event["type"] for event in read_lines(folder / EVENTS_FILE)][-1] == "end"


def test_an_event_of_a_newer_companion_stays_in_the_log(tmp_path: Path) -> None:
    folder = crashed(tmp_path / "take")
    newer = b'{"type": "applause", "bar": 2, "time_s": 6.75, "loud": true}\n'
    path = folder / EVENTS_FILE
    whole, end, cut = path.read_bytes().rpartition(b"\n")
    path.write_bytes(whole + end + newer + cut)
    assert "events.jsonl: 1 broken line dropped" in recover(folder).changes
    assert newer in path.read_bytes()


def test_a_take_that_is_still_being_written_is_refused(tmp_path: Path) -> None:
    log = begin_log(tmp_path)
    assert is_locked(log.path)
    before = log.path.read_bytes()
    with pytest.raises(CompanionError, match="still being written"):
        recover(tmp_path)
    assert log.path.read_bytes() == before
    log.close()
    assert not is_locked(log.path)


def test_a_folder_without_a_take_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match=r"holds no events\.jsonl"):
        recover(tmp_path / "nowhere")
    EventLog(tmp_path).close()
    with pytest.raises(CompanionError, match="nothing to recover"):
        recover(tmp_path)


def test_a_take_that_was_killed_at_once_can_be_recovered(tmp_path: Path) -> None:
    begin_log(tmp_path).close()
    (tmp_path / "input.wav").write_bytes(b"")
    found = recover(tmp_path)
    assert (found.seconds, found.picture) == (0.0, None)
    assert [event["type"] for event in read_lines(tmp_path / EVENTS_FILE)] == ["take", "end"]


@pytest.mark.parametrize(
    ("had_s", "cut_bytes", "told"),
    [
        (7.0, 0, None),
        (7.25, 5, "the last 0.25 s"),
        (6.5, 3, None),
        (2.5, 0, "4.50 s of silence"),
        (0.0, 50, "7.00 s of silence"),
    ],
)
def test_two_channels_end_with_the_others_wherever_they_were_cut(
    tmp_path: Path, had_s: float, cut_bytes: int, told: str | None
) -> None:
    folder = crashed(tmp_path / "take", {"input": 7.0, "bass": 7.0})
    path, had = folder / "input-stereo.wav", round(had_s * RATE)
    sound = np.stack([np.full(had, 0.5), np.full(had, -0.25)], axis=1)
    WaveWriter(path, RATE, 2).append(sound)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - cut_bytes)
    found = recover(folder, picture=False)
    ends = round(found.seconds * RATE)
    assert ends == (had - 1 if had_s == 6.5 else 7 * RATE)
    assert lengths(folder) == [ends] * 2
    kept, _ = soundfile.read(path)
    assert kept.shape == (ends, 2)
    whole = min(ends, had)
    assert np.array_equal(kept[:whole], sound[:whole])
    assert not kept[whole:].any()
    lines = [change for change in found.changes if change.startswith("input-stereo.wav")]
    assert lines == [] if told is None else f"input-stereo.wav: {told}" in lines[0]
    assert recover(folder, picture=False).changes == ()
