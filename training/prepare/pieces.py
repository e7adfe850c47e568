"""Songs cut into minutes, each of which becomes a shard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from model.grid import FRAME_RATE, SAMPLE_RATE
from model.sound import sounding_frames
from training.prepare.tracks import Found, Stem, Track

PIECE_S, CROP_S = 60.0, 20.0
"""Seconds of a piece, and of the crops that training draws from it, as in the paper. The end of a
song that is no whole minute is a piece if a crop fits in."""

NAME_LETTERS = 60
"""Longest part of a song's name in that of its shard."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A minute of a song, or its end."""

    track: Track
    number: int
    first_s: float
    seconds: float

    @property
    def name(self) -> str:
        """Of its shard."""
        return f"{safe_name(self.track.name)}-{self.number:02d}"


def safe_name(name: str) -> str:
    """A song's name as a file's: the characters that no system minds, and no two names alike."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    if plain == name and len(name) <= NAME_LETTERS:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:NAME_LETTERS]}-{digest}"


def cut(found: Found) -> list[Piece]:
    """The pieces of the songs that can be read; notes what is left out."""
    pieces = []
    for track in found.tracks:
        try:
            length_s = max(seconds(file) for stem in track.stems for file in stem.files)
        except (OSError, RuntimeError) as error:
            found.leave_out("files that cannot be read", f"{track.name} ({error})")
            continue
        whole = int(length_s / PIECE_S)
        parts = [PIECE_S] * whole
        if length_s - whole * PIECE_S >= CROP_S:
            parts.append(length_s - whole * PIECE_S)
        if not parts:
            found.leave_out(f"shorter than {CROP_S:.0f} s", track.name)
        pieces += [
            Piece(track, number, number * PIECE_S, part) for number, part in enumerate(parts)
        ]
    return pieces


def seconds(file: Path) -> float:
    """Length of an audio file, from its header.

    Raises:
        RuntimeError: it cannot be read.
    """
    info = soundfile.info(file)
    return float(info.frames / info.samplerate)


def stem_audio(stem: Stem, piece: Piece) -> np.ndarray:
    """A stem in a piece: float32 [samples], 32 kHz, the mean of its channels.

    Its files are added up; one that ends before the piece does is silent from there on.

    Raises:
        RuntimeError: a file cannot be read.
    """
    total = np.zeros(round(piece.seconds * SAMPLE_RATE), np.float32)
    for file in stem.files:
        with soundfile.SoundFile(file) as sound:
            rate = sound.samplerate
            start = round(piece.first_s * rate)
            if start >= sound.frames:
                continue
            sound.seek(start)
            audio = sound.read(round(piece.seconds * rate), dtype="float32", always_2d=True)
        mono = audio.mean(1)
        if rate != SAMPLE_RATE:
            mono = soxr.resample(mono, rate, SAMPLE_RATE)
        mono = mono[: len(total)]
        total[: len(mono)] += mono
    return total


def heard_stems(audio: Sequence[np.ndarray]) -> list[int]:
    """Which stems [samples] are not silent: those that sound in half of the frames of some crop."""
    return [number for number, row in enumerate(audio) if _heard(sounding_frames(row))]


def _heard(sounding: np.ndarray) -> bool:
    crop = min(round(CROP_S * FRAME_RATE), len(sounding))
    sums = np.concatenate([[0], np.cumsum(sounding)])
    return bool((sums[crop:] - sums[:-crop]).max(initial=0) >= crop / 2)
