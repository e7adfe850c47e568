"""Band shards: the bands of every stem of every song, computed once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors import safe_open
from safetensors.numpy import save_file

from model.checkpoint import LoadedCodec
from model.device import autocast
from model.grid import SAMPLE_RATE
from training.coherence.bands import MEL_HOP, Bands, bands_of
from training.errors import TrainingError
from training.songs import Chart, charted_folders

HEARD_S = 32
"""Seconds of a song, from its start on, that are learnt from: more songs, not longer ones."""
CODED_EVERY = 6
"""One song in so many is heard through the codec as well, from its start on."""
CODED_S = 24
"""Seconds of it that are."""


@dataclass(frozen=True, slots=True)
class BandSong:
    """The bands of one song.

    Attributes:
        tempo: beats a minute.
        instruments: class of each stem [M].
        roots: root of the chord in each beat, 0..11 [beats].
        stems: bands of each stem [M, ...].
        coded: the same through the codec, for the first seconds; None: not computed.
    """

    name: str
    tempo: float
    beats_per_bar: int
    instruments: tuple[str, ...]
    roots: NDArray[np.int64]
    stems: Bands
    coded: Bands | None

    @property
    def bars(self) -> int:
        """Whole bars of the chart that are heard."""
        heard = int(self.stems.mel.shape[-1] * MEL_HOP / SAMPLE_RATE / self.bar_s)
        return min(heard, len(self.roots) // self.beats_per_bar)

    @property
    def bar_s(self) -> float:
        """Length of a bar in seconds."""
        return 60.0 / self.tempo * self.beats_per_bar


def beat_roots(chart: Chart, bars: int, beats_per_bar: int) -> NDArray[np.int64]:
    """Root of the chord in each beat [bars * beats_per_bar] of a song's chart.

    A minor chord has the root of its relative major, three semitones up, so that chords that
    share most of their notes count as one; the roots before the first chord are its own.
    """
    roots = np.zeros(bars * beats_per_bar, np.int64)
    for index, (bar, beat, root, quality) in enumerate(chart):
        first = 0 if index == 0 else bar * beats_per_bar + beat
        roots[first:] = (root + (3 if quality.startswith("m") else 0)) % 12
    return roots


@torch.no_grad()
def _through(codec: LoadedCodec, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    with autocast(torch.device("cpu")):
        coded = [codec.decode(codec.encode(torch.from_numpy(row)[None]))[0] for row in audio]
    return torch.stack(coded).float().numpy()[:, : audio.shape[1]]


def write_bands(band: Path, split: str, out: Path, codec: LoadedCodec) -> Path:
    """Compute one split of a band set, a file a song; songs that are there already are kept.

    Songs without a chart are passed over: where the chords differ is what is learnt.

    Returns:
        the folder of this split.
    """
    folder = out / split
    folder.mkdir(parents=True, exist_ok=True)
    for index, song in enumerate(track(charted_folders(band, split), f"bands of {split}")):
        file = folder / f"{song.name}.safetensors"
        if not file.exists():
            _write_song(song, file, codec if index % CODED_EVERY == 0 else None)
    return folder


def _write_song(song: Path, file: Path, codec: LoadedCodec | None) -> None:
    meta = json.loads((song / "meta.json").read_text(encoding="utf-8"))
    names = sorted(meta["stems"])
    samples = HEARD_S * SAMPLE_RATE
    audio = np.stack(
        [soundfile.read(song / name, frames=samples, dtype="float32")[0] for name in names]
    )
    stems = bands_of(audio)
    arrays = {"semitones": stems.semitones, "mel": stems.mel}
    if codec is not None:
        coded = bands_of(_through(codec, audio[:, : CODED_S * SAMPLE_RATE]))
        arrays |= {"coded_semitones": coded.semitones, "coded_mel": coded.mel}
    header = {
        "name": song.name,
        "tempo": meta["tempo"],
        "beats_per_bar": meta["beats_per_bar"],
        "bars": meta["bars"],
        "chords": meta["chords"],
        "instruments": [meta["stems"][name]["instrument"] for name in names],
    }
    part = file.with_suffix(".part")
    save_file(arrays, part, {"song": json.dumps(header)})
    part.replace(file)


def read_bands(folder: Path) -> list[BandSong]:
    """Every song of a split that has two stems or more, in the order of their names.

    Raises:
        TrainingError: there is none.
    """
    songs = [_read_song(path) for path in sorted(folder.glob("*.safetensors"))]
    songs = [song for song in songs if len(song.instruments) > 1]
    if not songs:
        raise TrainingError(f"no bands in {folder}; valid: songs of at least two stems")
    return songs


def _read_song(path: Path) -> BandSong:
    with safe_open(path, "np") as file:
        header = json.loads(file.metadata()["song"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    coded = None
    if "coded_mel" in arrays:
        coded = Bands(arrays["coded_semitones"], arrays["coded_mel"])
    return BandSong(
        header["name"],
        header["tempo"],
        header["beats_per_bar"],
        tuple(header["instruments"]),
        beat_roots(header["chords"], header["bars"], header["beats_per_bar"]),
        Bands(arrays["semitones"], arrays["mel"]),
        coded,
    )
