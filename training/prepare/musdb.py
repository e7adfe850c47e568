"""MUSDB18-HQ.

train/Artist - Title/mixture.wav, drums.wav, bass.wav, other.wav, vocals.wav
test/
"""

from __future__ import annotations

from pathlib import Path

from training.prepare.classes import MUSDB
from training.prepare.tracks import Found, Layout, Stem, Track, folders_in

MIXTURE = "mixture.wav"
VALID = frozenset(
    {
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    }
)
"""The songs of `train` that are used to validate with, as everybody does who trains on this set."""


def _songs(folder: Path, split: str) -> list[Path]:
    return [song for song in folders_in(folder / split) if (song / MIXTURE).is_file()]


def _read(folder: Path) -> Found:
    found = Found()
    for song in _songs(folder, "train"):
        files = {name: song / f"{name}.wav" for name in MUSDB}
        for name, file in files.items():
            if not file.is_file():
                found.leave_out("stems that are missing", f"{song.name}/{name}")
        stems = tuple(
            Stem(name, MUSDB[name], (file,)) for name, file in files.items() if file.is_file()
        )
        found.add(Track(song.name, "valid" if song.name in VALID else "train", stems))
    for song in _songs(folder, "test"):
        found.leave_out("its test split is kept to measure with", song.name)
    return found


MUSDB18_HQ = Layout(
    name="MUSDB18-HQ",
    tree="train/Artist - Title/mixture.wav",
    licence="for academic purposes only, as its authors state it; each song has a licence of its "
    "own: 46 are of MedleyDB (CC-BY-NC-SA-4.0), 2 of the Easton Ellises (CC-BY-NC-SA-3.0), 2 of "
    "Native Instruments, the rest of the Mixing Secrets library",
    fits=lambda folder: bool(_songs(folder, "train")),
    read=_read,
)
