"""Small data sets in the layouts that there are, of tones that last a little longer than a crop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from tests.training.midi.conftest import midi_bytes, trio

SECONDS = 21.0
RATE = 44_100


def write_audio(
    path: Path,
    pitch: float = 220.0,
    seconds: float = SECONDS,
    level: float = 0.1,
    channels: int = 2,
) -> Path:
    """A tone with a beat in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(round(seconds * RATE)) / RATE
    tone = level * np.sin(2 * np.pi * pitch * time_s) * (0.7 + 0.3 * np.cos(4 * np.pi * time_s))
    soundfile.write(path, np.stack([tone] * channels, 1), RATE, subtype="PCM_16")
    return path


def slakh_song(folder: Path, stems: dict[str, tuple[int, bool]], midi: bytes | None = None) -> None:
    """A song as Slakh has it: stems by their programs, and whether they are drums."""
    told = {}
    for number, (name, (program, drums)) in enumerate(stems.items()):
        write_audio(folder / "stems" / f"{name}.flac", 110.0 * (number + 1), channels=1)
        told[name] = {
            "audio_rendered": True,
            "inst_class": "any",
            "integrated_loudness": -20.0,
            "is_drum": drums,
            "midi_program_name": "any",
            "midi_saved": True,
            "plugin_name": f"{name}.nkm",
            "program_num": program,
        }
    told["S99"] = dict(next(iter(told.values())), audio_rendered=False)
    meta = {"UUID": "1", "audio_dir": "stems", "midi_dir": "MIDI", "stems": told}
    (folder / "metadata.yaml").write_text(yaml.safe_dump(meta))
    write_audio(folder / "mix.flac")
    if midi is not None:
        (folder / "all_src.mid").write_bytes(midi)


BAND = {"S00": (128, True), "S01": (33, False), "S02": (0, False)}


def make_slakh(folder: Path) -> Path:
    """The redux: songs to train on, to validate with, to test, and omitted ones."""
    song = midi_bytes(trio(40))
    slakh_song(folder / "train" / "Track00001", BAND, song)
    slakh_song(folder / "validation" / "Track01501", BAND, song)
    slakh_song(folder / "test" / "Track01876", BAND)
    slakh_song(folder / "omitted" / "Track00049", BAND)
    return folder


def make_musdb(folder: Path) -> Path:
    """A song to train on, one of those to validate with, one to test."""
    songs = ("train/A Band - A Song", "train/Leaf - Summerghost", "test/B - Other")
    for song in songs:
        for number, name in enumerate(("mixture", "drums", "bass", "other", "vocals")):
            write_audio(folder / song / f"{name}.wav", 110.0 * (number + 1))
    return folder


def moises_song(folder: Path, stems: dict[str, list[tuple[str, bool]]]) -> None:
    """A song as MoisesDB has it: tracks of each stem, by type, and whether others bleed into it."""
    told = []
    for name, tracks in stems.items():
        rows = []
        for number, (kind, bleeds) in enumerate(tracks):
            key = f"{name}-{number}"
            write_audio(folder / name / f"{key}.wav", 110.0 * (number + 2))
            rows.append({"id": key, "trackType": kind, "extension": "wav", "has_bleed": bleeds})
        told.append({"id": name, "stemName": name, "tracks": rows})
    meta = {"id": folder.name, "artist": "A", "song": "S", "genre": "rock", "stems": told}
    (folder / "data.json").write_text(json.dumps(meta))


def make_moises(folder: Path) -> Path:
    """Two songs."""
    for number in range(2):
        moises_song(
            folder / "moisesdb_v0.1" / f"0000-{number}",
            {
                "drums": [("kick drum", False), ("overheads", True)],
                "bass": [("bass guitar", False)],
                "other_keys": [("organ, electric organ", False), ("synth pad", False)],
                "other": [("click track", False)],
            },
        )
    return folder


def make_stems(folder: Path) -> Path:
    """Two songs whose files are named by whoever mixed them."""
    for song in ("First", "Second"):
        for number, name in enumerate(
            ("01_Kick", "02_Snare", "BassDI", "Lead Gtr", "take 7", "MIX")
        ):
            write_audio(folder / song / f"{name}.wav", 110.0 * (number + 1))
    (folder / "LICENSE.txt").write_text("ours")
    return folder


MAKERS: dict[str, Callable[[Path], Path]] = {
    "Slakh2100": make_slakh,
    "MUSDB18-HQ": make_musdb,
    "MoisesDB": make_moises,
    "a folder of stems": make_stems,
}


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small set of each layout, by its name."""
    return {name: make(tmp_path_factory.mktemp("set")) for name, make in MAKERS.items()}
