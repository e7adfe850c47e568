"""A plain folder of stems: a folder for each song, a file for each stem, named by its instrument.

    My song/bass.wav, Lead Guitar.wav, kick.wav, snare.wav, mix.wav, ...
    Another song/...

With folders `train` and `valid` those are the splits. The files of a drum kit are one stem.
"""

from __future__ import annotations

from pathlib import Path

from training.prepare.classes import is_mix, named_class
from training.prepare.tracks import Found, Layout, Stem, Track, audio_in, folders_in, split_of

TOGETHER = frozenset({"drums"})
"""Classes whose files are one stem: the microphones of a kit."""


def _songs(folder: Path) -> list[tuple[Path, str | None]]:
    """The songs with their splits, None where there are no splits."""
    split = [(s, part) for part in ("train", "valid") for s in folders_in(folder / part)]
    plain = [(song, None) for song in folders_in(folder)]
    return [(song, part) for song, part in split or plain if audio_in(song)]


def _read(folder: Path) -> Found:
    found = Found()
    songs = _songs(folder)
    for number, (song, part) in enumerate(songs):
        stems: list[Stem] = []
        together: dict[str, list[Path]] = {}
        for file in audio_in(song):
            instrument = named_class(file.stem)
            if instrument is None:
                reason = (
                    "files that are the mix"
                    if is_mix(file.stem)
                    else "files whose name tells no instrument"
                )
                found.leave_out(reason, f"{song.name}/{file.name}")
            elif instrument in TOGETHER:
                together.setdefault(instrument, []).append(file)
            else:
                stems.append(Stem(file.stem, instrument, (file,)))
        stems += [Stem(name, name, tuple(files)) for name, files in together.items()]
        found.add(Track(song.name, part or split_of(number, len(songs)), tuple(stems)))
    return found


STEM_FOLDER = Layout(
    name="a folder of stems",
    tree="Song/bass.wav and Song/drums.wav",
    licence=None,
    fits=lambda folder: bool(_songs(folder)),
    read=_read,
)
