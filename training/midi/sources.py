"""MIDI files in folders, and inside the WAD files of games."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError

MIDI_SUFFIXES = (".mid", ".midi")
WAD_SUFFIX = ".wad"
MAX_BYTES = 4 * 2**20
"""A longer MIDI file is left out: songs are a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A MIDI file: a name of small letters, digits and hyphens, and its bytes."""

    name: str
    content: bytes


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Every MIDI file among `paths`, in folders below them and in WAD files, by name.

    A file that is there twice, byte for byte, is taken once.

    Raises:
        TrainingError: a path does not exist, a WAD file is broken, or there is no MIDI at all.
    """
    sources: dict[bytes, Source] = {}
    for file in _files(paths):
        for source in _read(file):
            sources.setdefault(source.content, source)
    if not sources:
        named = ", ".join(str(path) for path in paths)
        raise TrainingError(f"no MIDI in {named}; valid: folders or files, .mid, .midi or .wad")
    return sorted(sources.values(), key=lambda source: source.name)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if _is_music(p) and p.is_file())
        elif path.is_file() and _is_music(path):
            yield path
        else:
            raise TrainingError(
                f"{path} is no folder and no MIDI file; valid: folders, .mid, .midi or .wad files"
            )


def _is_music(path: Path) -> bool:
    return path.suffix.lower() in (*MIDI_SUFFIXES, WAD_SUFFIX)


def _read(file: Path) -> Iterator[Source]:
    try:
        if file.suffix.lower() == WAD_SUFFIX:
            yield from _lumps(file)
        elif file.stat().st_size <= MAX_BYTES:
            yield Source(_slug(file.stem), file.read_bytes())
    except OSError as error:
        raise TrainingError(f"cannot read {file}: {error.strerror}") from error


def _lumps(file: Path) -> Iterator[Source]:
    """The MIDI files in a WAD: 12 bytes of header, and a directory of 16 bytes an entry."""
    with file.open("rb") as wad:
        header = wad.read(12)
        size = file.stat().st_size
        if header[:4] not in (b"IWAD", b"PWAD") or len(header) < 12:
            raise TrainingError(f"{file} is no WAD file: it starts with {header[:4]!r}")
        count, start = struct.unpack("<ii", header[4:])
        if count < 0 or start < 0 or start + 16 * count > size:
            raise TrainingError(f"{file} is a broken WAD file: its directory lies outside it")
        wad.seek(start)
        for at, length, name in struct.iter_unpack("<ii8s", wad.read(16 * count)):
            if not 4 < length <= MAX_BYTES or at < 0 or at + length > size:
                continue
            wad.seek(at)
            content = wad.read(length)
            if content.startswith(b"MThd"):
                lump = name.split(b"\0")[0].decode("latin-1").removeprefix("D_")
                yield Source(_slug(f"{file.stem}-{lump}"), content)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "song"
