"""How the codec compares with Opus on the same files, and what each keeps of them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch

from model.checkpoint import LoadedCodec, load_grid_codec
from model.grid import SAMPLE_RATE
from training.codec.fidelity import (
    early_s,
    level_error_db,
    listener_score,
    notes_kept,
    onsets_kept,
)
from training.codec.losses import log_mel_distance
from training.codec.noise import roughness
from training.errors import TrainingError
from training.evaluation.fad import ENOUGH, frechet_distance, halves
from training.evaluation.fit import Audio, chroma_cosine
from training.evaluation.musicnn import FADS, embed
from training.evaluation.notes import find_notes
from training.songs import read_song

OPUS_KBITS = (6, 8, 12, 16)
"""Bit rates to compare with; ours take 2.2 kbit/s."""
ENOUGH_NOTES = 3
"""Notes that the original of a piece has at least, for the share kept to mean anything."""
RECORDINGS = frozenset({".ogg", ".flac", ".wav"})
"""Endings of the files that are measured in a folder of recordings."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is coded.

    Attributes:
        name: of the file.
        instrument: its class; empty for a mix.
        audio: [samples], mono, 32 kHz.
    """

    name: str
    instrument: str
    audio: Audio


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What one codec kept of one piece; a figure that does not apply is NaN.

    Attributes:
        log_mel_db: distance of the log-mel spectrograms; lower is better.
        notes: F1 of the notes before and after, 0..1; of pitched stems.
        level_db: how much louder it came back.
        onsets: F1 of the onsets within 10 ms, 0..1; of drums.
        early_s: by how much an onset sounds too early, in the median; of drums.
        listener: 1 (bad) to 5 (the same).
        chroma: mean cosine of the chromas before and after, 0..1.
        roughness: of the coded piece, dB (`training.codec.noise`).
        vectors: by embedding, [windows, 200].
    """

    log_mel_db: float
    notes: float
    level_db: float
    onsets: float
    early_s: float
    listener: float
    chroma: float
    roughness: float
    vectors: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A piece and what each codec kept of it, by the codec's name.

    Attributes:
        roughness: of the original, dB.
        vectors: of the original, by embedding.
    """

    name: str
    instrument: str
    roughness: float
    vectors: Mapping[str, np.ndarray]
    kept: Mapping[str, Kept]


def read_audio(path: Path) -> np.ndarray:
    """A file as mono audio at 32 kHz: float32 [samples]."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = audio.mean(1)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE)


def through_opus(audio: np.ndarray, kbits: int) -> np.ndarray:
    """Mono audio [samples] at 32 kHz through `opusenc` and `opusdec`.

    Raises:
        TrainingError: the tools are not installed.
    """
    if not (shutil.which("opusenc") and shutil.which("opusdec")):
        raise TrainingError("opusenc and opusdec are missing; valid: install opus-tools")
    with tempfile.TemporaryDirectory() as folder:
        source, packed, back = (Path(folder) / n for n in ("in.wav", "a.opus", "out.wav"))
        soundfile.write(source, audio, SAMPLE_RATE, subtype="FLOAT")
        encode = ["opusenc", "--quiet", "--bitrate", str(kbits), str(source), str(packed)]
        decode = ["opusdec", "--quiet", "--rate", "48000", str(packed), str(back)]
        for command in (encode, decode):
            subprocess.run(command, check=True, capture_output=True)
        decoded = read_audio(back)
    return np.pad(decoded, (0, max(0, len(audio) - len(decoded))))[: len(audio)]


def through_codec(codec: LoadedCodec, audio: np.ndarray) -> np.ndarray:
    """Mono audio [samples] at 32 kHz to tokens and back, the same length."""
    device = next(codec.parameters()).device
    tokens = codec.encode(torch.from_numpy(audio)[None].to(device))
    return codec.decode(tokens)[0, : len(audio)].cpu().numpy()


def names_of(weights: Sequence[Path]) -> dict[str, Path]:
    """Codecs by the shortest names that tell them apart: of the file, or the whole path."""
    stems = [path.stem for path in weights]
    return {path.stem if stems.count(path.stem) == 1 else str(path): path for path in weights}


def measure(weights: Sequence[Path], piece: Piece) -> Measured:
    """Everything of one piece, through each of ours and through Opus at each rate."""
    codings: dict[str, Callable[[Audio], Audio]] = {
        name: partial(_through, path) for name, path in names_of(weights).items()
    }
    for kbits in OPUS_KBITS:
        codings[f"Opus {kbits}"] = partial(through_opus, kbits=kbits)
    drums = piece.instrument == "drums"
    notes = () if drums else find_notes(piece.audio)
    kept = {}
    for name, coding in codings.items():
        coded = coding(piece.audio)
        early = early_s(piece.audio, coded) if drums else np.zeros(0)
        kept[name] = Kept(
            log_mel_db=log_mel_distance(*(torch.from_numpy(a)[None] for a in (coded, piece.audio))),
            notes=notes_kept(notes, find_notes(coded)) if len(notes) >= ENOUGH_NOTES else np.nan,
            level_db=level_error_db(piece.audio, coded),
            onsets=onsets_kept(piece.audio, coded) if drums else np.nan,
            early_s=float(np.median(early)) if len(early) else np.nan,
            listener=listener_score(piece.audio, coded),
            chroma=chroma_cosine(coded, piece.audio),
            roughness=roughness(coded),
            vectors=embed(coded),
        )
    return Measured(piece.name, piece.instrument, roughness(piece.audio), embed(piece.audio), kept)


def sounds_of(weights: Sequence[Path], piece: Piece) -> dict[str, Audio]:
    """A piece as it is and through each of ours, [samples] each, by name."""
    ours = {name: _through(path, piece.audio) for name, path in names_of(weights).items()}
    return {"original": piece.audio, **ours}


def measure_job(job: tuple[Sequence[Path], Piece]) -> Measured:
    """`measure` with one argument, for a pool of processes."""
    return measure(*job)


def summed_up(measured: Sequence[Measured], codec: str) -> dict[str, float]:
    """The figures of one codec over some pieces, by name; those that apply to none are left out."""
    kept = [one.kept[codec] for one in measured]
    levels = np.abs([k.level_db for k in kept])
    notes = _known(k.notes for k in kept)
    bass = _known(one.kept[codec].notes for one in measured if one.instrument == "bass")
    figures = {
        "log-mel dB": np.mean([k.log_mel_db for k in kept]),
        "level dB median": np.median(levels),
        "level dB p90": np.quantile(levels, 0.9),
        "level dB most": levels.max(),
        "listener": np.mean([k.listener for k in kept]),
        "chroma": np.mean([k.chroma for k in kept]),
        "roughness": np.mean([k.roughness for k in kept]),
        "roughness before": np.mean([one.roughness for one in measured]),
    }
    if len(notes):
        figures |= {"notes": notes.mean(), "notes, lowest tenth": np.quantile(notes, 0.1)}
    if len(bass):
        figures["notes, bass"] = bass.mean()
    onsets, early = _known(k.onsets for k in kept), _known(k.early_s for k in kept)
    if len(onsets):
        figures["onsets"] = onsets.mean()
    if len(early):
        figures["early ms"] = 1000 * np.median(early)
    for label, name in FADS.items():
        before = np.concatenate([one.vectors[name] for one in measured])
        after = np.concatenate([k.vectors[name] for k in kept])
        if len(before) >= ENOUGH:
            figures[label] = frechet_distance(after, before)
    return {name: float(value) for name, value in figures.items()}


def fad_floors(measured: Sequence[Measured]) -> dict[str, float]:
    """What FAD is between two halves of the originals themselves, where there are enough vectors.

    Whole songs are in one half. The coded pieces are held against their own originals, so their
    distance may be below this.
    """
    floors = {}
    songs = [one.name.split("/")[0] for one in measured]
    for label, name in FADS.items():
        one, other = halves([m.vectors[name] for m in measured], songs)
        if min(len(one), len(other)) >= ENOUGH // 2:
            floors[label] = frechet_distance(one, other)
    return floors


def notes_by_instrument(measured: Sequence[Measured], codec: str) -> dict[str, tuple[float, int]]:
    """Mean share of the notes kept, and how many stems, by instrument class."""
    found = {}
    for instrument in sorted({one.instrument for one in measured}):
        notes = _known(one.kept[codec].notes for one in measured if one.instrument == instrument)
        if len(notes):
            found[instrument] = float(notes.mean()), len(notes)
    return found


def as_json(measured: Sequence[Measured]) -> dict[str, Any]:
    """Every figure of every piece, but for the vectors."""
    fields = [name for name in Kept.__slots__ if name != "vectors"]
    return {
        one.name: {
            "instrument": one.instrument,
            "roughness": one.roughness,
            **{
                codec: {name: _number(getattr(kept, name)) for name in fields}
                for codec, kept in one.kept.items()
            },
        }
        for one in measured
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 5)


def _known(values: Any) -> np.ndarray:
    array = np.array(list(values), np.float64)
    return array[~np.isnan(array)]


def _through(weights: Path, audio: Audio) -> Audio:
    return through_codec(_codec(weights), audio)


@lru_cache(maxsize=4)
def _codec(weights: Path) -> LoadedCodec:
    return load_grid_codec(weights)


def recordings_in(folder: Path) -> list[Piece]:
    """The recordings in a folder, whole; `NAME.guitar.ogg` is a stem of that instrument.

    Raises:
        TrainingError: there are none.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in RECORDINGS)
    if not files:
        raise TrainingError(f"no recordings in {folder}; valid: .ogg, .flac or .wav files")
    return [Piece(f.name, f.stem.partition(".")[2], read_audio(f)) for f in files]


def held_out_stems(songs: Sequence[Path], seconds: float = 10.0) -> list[Piece]:
    """The loudest stretch of each stem of some songs, peak brought to 0.5."""
    pieces = []
    for song in songs:
        for stem, instrument in read_song(song).stems.items():
            audio = read_audio(song / stem)
            size = int(seconds * SAMPLE_RATE)
            starts = range(0, max(1, len(audio) - size + 1), size)
            start = max(starts, key=lambda s: float((audio[s : s + size] ** 2).sum()))
            piece = audio[start : start + size]
            peak = float(np.abs(piece).max())
            if peak > 0.01:
                name = f"{song.name}/{stem.removesuffix('.flac')}"
                pieces.append(Piece(name, instrument, piece * np.float32(0.5 / peak)))
    return pieces
