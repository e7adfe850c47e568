"""A folder of contexts is read, or said to be wrong in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.listening.contexts import read_contexts
from companion.system.errors import CompanionError


def folder(tmp_path: Path, text: str, *files: str) -> Path:
    for name in files or ("rock.wav",):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "contexts.yaml").write_text(text)
    return tmp_path


def test_a_context_is_a_recording_and_what_is_known_of_it(tmp_path: Path) -> None:
    text = """
rock: {bpm: 95, instrument: guitar}
ballad: {bpm: 72.5, instrument: synth pad, start: 1.25, cycle: 8}
"""
    files = "rock.ogg", "rock.stem.flac", "ballad.mp3"
    ballad, rock = read_contexts(folder(tmp_path, text, *files))
    assert (rock.name, rock.bpm, rock.instrument, rock.start_s, rock.cycle) == (
        *("rock", 95.0, "guitar"),
        *(0.0, 4),
    )
    assert (rock.file.name, rock.human and rock.human.name) == ("rock.ogg", "rock.stem.flac")
    assert (ballad.bpm, ballad.start_s, ballad.cycle, ballad.human) == (72.5, 1.25, 8, None)
    assert ballad.bar_s == pytest.approx(240 / 72.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rock: {bpm: 20, instrument: bass}", "rock: bpm is 20; valid: from 40 to 240"),
        ("rock: {instrument: bass}", "rock: bpm is None"),
        ("rock: {bpm: .nan, instrument: bass}", "rock: bpm is nan"),
        ("rock: {bpm: 95, instrument: bas}", "instrument is 'bas'; nearest: bass; valid: piano"),
        ("rock: {bpm: 95, instrument: bass, cycl: 2}", "unknown key 'cycl'; nearest: cycle"),
        ("rock: {bpm: 95, instrument: bass, cycle: 2.5}", "cycle is 2.5; valid: a whole number"),
        ("rock: {bpm: 95, instrument: bass, start: -1}", "start is -1; valid: from 0 to 3600"),
        ("rock: 95", "rock is 95; valid: {bpm: 95, instrument: bass}"),
        ("rook: {bpm: 95, instrument: bass}", "rook has no recording"),
        ("../rock: {bpm: 95, instrument: bass}", "is no name"),
        ("[rock]", "valid: 1 to 200 recordings by name"),
        ("", "valid: 1 to 200 recordings by name"),
        ("rock: {bpm: 95", "valid: YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CompanionError) as wrong:
        read_contexts(folder(tmp_path, text))
    assert message in str(wrong.value)
    assert "contexts.yaml" in str(wrong.value)


def test_a_recording_has_one_file(tmp_path: Path) -> None:
    given = folder(tmp_path, "rock: {bpm: 95, instrument: bass}", "rock.wav", "rock.ogg")
    with pytest.raises(CompanionError, match=r"rock\.wav, rock\.ogg; valid: one of them"):
        read_contexts(given)


def test_a_folder_without_a_list_is_none(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match="a line for each recording"):
        read_contexts(tmp_path)
