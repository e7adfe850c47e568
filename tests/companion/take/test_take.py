"""A take is one thing from its first sample to its last line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from companion.system.errors import CompanionError
from companion.take.events import EVENTS_FILE, Incident
from companion.take.take import Take
from tests.companion.lines import read_lines
from tests.companion.take.tape import FakeTape, ramp

VOICES = {"bass": 1}


def folder_in(parent: Path) -> Path:
    folder = parent / "20261105-213007"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("threaded", [False, True])
def test_it_holds_audio_from_its_first_sample_to_its_last(tmp_path: Path, threaded: bool) -> None:
    tape = FakeTape()
    take = Take(folder_in(tmp_path), VOICES, threaded)
    assert not take.begun
    take.begin(tape, 1000, 200)
    for position in range(0, 3000, 100):
        tape.position = position
        take.tick()
    take.finish(2500)
    take.log(Incident(bar=1, time_s=2.3, what="test", detail="after the last sample"))
    take.close()
    for name, voice in {"input": 0, "bass": 1}.items():
        audio, _ = soundfile.read(take.folder / f"{name}.wav", dtype="float32")
        assert np.array_equal(audio, ramp(200, len(audio), voice))
        assert 2300 <= len(audio) <= 2800  # what is written already stays
    assert [event["what"] for event in read_lines(take.folder / EVENTS_FILE)] == ["test"]
    assert take.begun
    assert take.error is None


def test_a_take_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    take = Take(folder_in(tmp_path), VOICES, threaded=True)
    take.finish(100)
    take.tick()
    take.close()
    take.close()
    assert list(tmp_path.iterdir()) == []


def test_it_removes_nothing_that_it_did_not_make(tmp_path: Path) -> None:
    take = Take(folder_in(tmp_path), VOICES, threaded=True)
    (take.folder / "input.wav").write_text("a recording")
    with pytest.raises(CompanionError, match=r"input\.wav"):
        take.begin(FakeTape(), 1000, 0)
    take.close()
    assert (take.folder / "input.wav").read_text() == "a recording"


def test_closing_again_keeps_what_is_there(tmp_path: Path) -> None:
    take = Take(folder_in(tmp_path), VOICES, threaded=False)
    take.begin(FakeTape(), 1000, 0)
    for _ in range(2):
        take.finish(0)
        take.close()
    assert sorted(path.name for path in take.folder.iterdir()) == [
        "bass.wav",
        EVENTS_FILE,
        "input.wav",
    ]


def test_what_stops_the_audio_or_the_log_is_its_error(tmp_path: Path) -> None:
    tape = FakeTape()
    take = Take(folder_in(tmp_path), VOICES, threaded=False)
    take.begin(tape, 1000, 0)
    (take.folder / "bass.wav").unlink()
    tape.position = 1000
    take.tick()
    assert take.error is not None
    assert "recording has stopped" in take.error
    take.close()
