"""What a data set offers, whatever its layout: songs with stems of known instruments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from training.songs import Sound

UNKNOWN_SOUND: Sound = (-1, "")
"""Of a recording: no program, no sound font."""
AUDIO = (".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3")
"""File names that may be stems end so."""
VALID_EVERY = 20
"""Where a data set has no split of its own, one song in so many is for watching the training."""


@dataclass(frozen=True, slots=True)
class Stem:
    """What one instrument plays in a song: the sum of its files.

    Attributes:
        instrument: one of `model.instruments.INSTRUMENTS`.
        sound: program and plug-in or font, where they are known.
    """

    name: str
    instrument: str
    files: tuple[Path, ...]
    sound: Sound = UNKNOWN_SOUND


@dataclass(frozen=True, slots=True)
class Track:
    """A song.

    Attributes:
        split: `train` or `valid`.
        midi: the notes as a MIDI file that starts with the sound, for its beats; None without.
    """

    name: str
    split: str
    stems: tuple[Stem, ...]
    midi: Path | None = None


@dataclass(slots=True)
class Found:
    """What was found in a folder: songs to use, and what is left out, by the reason."""

    tracks: list[Track] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, what: str) -> None:
        """Note what is not used, and why."""
        self.left_out.setdefault(reason, []).append(what)

    def add(self, track: Track) -> None:
        """Use a song; one of fewer than two stems is left out, since it has no pair."""
        if len(track.stems) < 2:
            self.leave_out("fewer than two stems", track.name)
        else:
            self.tracks.append(track)


@dataclass(frozen=True, slots=True)
class Layout:
    """A way in which a data set lies on disk.

    Attributes:
        tree: what it looks like, for messages.
        licence: under which its authors give it, in their words; None where nobody said so.
        fits: whether a folder has this layout.
        read: what there is in it.
    """

    name: str
    tree: str
    licence: str | None
    fits: Callable[[Path], bool]
    read: Callable[[Path], Found]


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, by name, without hidden ones; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def audio_in(folder: Path) -> list[Path]:
    """The audio files in a folder, by name; hidden ones, as macOS leaves them, are none."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in AUDIO and not path.name.startswith(".")
    )


def split_of(number: int, count: int) -> str:
    """The split of a song where the data set has none, by its place among so many.

    One in `VALID_EVERY` is `valid`, of fewer songs than that the last one.
    """
    last = min(VALID_EVERY, count) - 1
    return "valid" if count > 1 and number % VALID_EVERY == last else "train"
