"""One piece of one song in one variation: drawn, played, written."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.band.fluidsynth import SAMPLE_RATE
from training.band.form import BEATS_PER_BAR
from training.band.render import TAIL_S, render_stems, stem_metadata, store_song
from training.errors import TrainingError
from training.midi.arrange import MIN_PARTS, Piece, arrange
from training.midi.sheet import Sheet, Unfit
from training.midi.steady import Stretch, steady_stretch

TEMPO_SPREAD = 0.08
"""How far a variation's tempo may be from the one written."""
TRANSPOSED = (-5, 6)
"""Semitones by which a variation is moved at most."""


@dataclass(frozen=True, slots=True)
class MidiSong:
    """A song that can be used.

    Attributes:
        digest: of the notes it plays, whatever its name and the bytes around them.
    """

    name: str
    digest: str
    sheet: Sheet
    stretch: Stretch

    @property
    def split(self) -> str:
        """Where all of its pieces and variations go: one song in ten 'valid', one in ten 'test'.

        It depends on the notes alone: it stays the same whatever other songs are there.
        """
        return {0: "valid", 1: "test"}.get(int(self.digest, 16) % 10, "train")


def choose_song(name: str, sheet: Sheet) -> MidiSong:
    """Find the stretch of a song that can be used.

    Raises:
        Unfit: there is none, or fewer than three instruments play in it.
    """
    stretch = steady_stretch(sheet)
    whole = Piece(sheet, stretch.first_beat, stretch.bars, stretch.tempo)
    if len(arrange(random.Random(0), whole)) < MIN_PARTS:
        raise Unfit(f"has fewer than {MIN_PARTS} instruments that play in a quarter of its bars")
    return MidiSong(name, _digest(sheet, stretch), sheet, stretch)


def _digest(sheet: Sheet, stretch: Stretch) -> str:
    notes = sorted(
        (round(12 * (note.beat - stretch.first_beat)), note.pitch, voicing.drums)
        for voicing in sheet.voicings
        for note in voicing.notes
    )
    return hashlib.sha256(json.dumps(notes).encode()).hexdigest()


def distinct(songs: Iterable[MidiSong]) -> list[MidiSong]:
    """The songs, without those that play the notes of an earlier one."""
    return list({song.digest: song for song in reversed(list(songs))}.values())[::-1]


def song_folder(out: Path, song: MidiSong, variation: int, piece: int) -> Path:
    """Where a piece of a variation lives."""
    return out / song.split / f"{song.name}-{song.digest[:6]}-{piece}-{variation}"


def draw_piece(song: MidiSong, seed: int, variation: int, piece: int) -> Piece:
    """Which bars, how fast, how high: the same for the same numbers.

    The pieces of one variation do not overlap; where they start differs between variations.
    """
    rng = random.Random(f"{seed}/{song.digest}/{variation}")
    stretch = song.stretch
    bars = stretch.piece_bars
    slack = rng.randint(0, stretch.bars - stretch.pieces * bars)
    return Piece(
        song.sheet,
        stretch.first_beat + (slack + piece * bars) * BEATS_PER_BAR,
        bars,
        round(stretch.tempo * (1 + rng.uniform(-TEMPO_SPREAD, TEMPO_SPREAD)), 2),
        rng.randint(*TRANSPOSED),
    )


def written_seed(target: Path) -> int | None:
    """The seed of a song that is on disk already, None if it is not."""
    meta = target / "meta.json"
    if not meta.exists():
        return None
    return int(json.loads(meta.read_text(encoding="utf-8"))["seed"])


def write_piece(out: Path, song: MidiSong, seed: int, variation: int, number: int) -> float:
    """Play and write one piece; returns its stem-seconds.

    Nothing is written, and 0 returned, where fewer than three instruments play or are heard.

    Raises:
        TrainingError: it cannot be played.
    """
    piece = draw_piece(song, seed, variation, number)
    dice = f"{seed}/{song.digest}/{variation}/{number}"
    performances = arrange(random.Random(dice), piece)
    if len(performances) < MIN_PARTS:
        return 0.0
    bars_s = piece.bars * BEATS_PER_BAR * 60.0 / piece.tempo
    samples = round((bars_s + TAIL_S) * SAMPLE_RATE)
    noise = np.random.default_rng([seed, variation, number, int(song.digest[:8], 16)])
    stems = render_stems(noise, performances, samples)
    if len(stems) < MIN_PARTS:
        return 0.0
    target = song_folder(out, song, variation, number)
    if target.exists():
        raise TrainingError(f"{target} is there, but is no song: remove it")
    meta = {
        "seed": seed,
        "source": {
            "name": song.name,
            "notes": song.digest,
            "variation": variation,
            "piece": number,
            "first_beat": piece.first_beat,
            "tempo": song.stretch.tempo,
            "transposed": piece.transposed,
        },
        "sample_rate": SAMPLE_RATE,
        "samples": samples,
        "tempo": piece.tempo,
        "beats_per_bar": BEATS_PER_BAR,
        "bars": piece.bars,
        "chords": None,
        "stems": stem_metadata(performances, stems),
    }
    store_song(out, target, stems, meta, piece.tempo, performances)
    return len(stems) * samples / SAMPLE_RATE
