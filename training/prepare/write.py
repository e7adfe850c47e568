"""Pieces to token shards, in several processes; what is there already is kept."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from model.checkpoint import LoadedCodec, fingerprint, load_grid_codec
from model.device import pick_device
from model.instruments import instrument_index
from training.band.form import BEATS_PER_BAR
from training.band.workers import write_songs
from training.loop import prepare_process, step_seed
from training.prepare.clock import clock_of
from training.prepare.pieces import Piece, heard_stems, stem_audio
from training.stemgen.shards import check_drawn, encode_stems, store_shard

LEFT_OUT = ".left-out.json"
"""What the file of a piece that gave no shard ends with: it says why."""
SILENT = "minutes in which fewer than two stems sound"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pieces are encoded.

    Attributes:
        out: folder of the splits.
        seed: of the mixes.
    """

    codec: Path
    out: Path
    seed: int
    device: str

    def shard(self, piece: Piece) -> Path:
        """Where a piece's shard lies."""
        return self.out / piece.track.split / f"{piece.name}.safetensors"

    def left_out(self, piece: Piece) -> Path:
        """Where it is written why it has none."""
        return self.out / piece.track.split / f"{piece.name}{LEFT_OUT}"

    def done(self, piece: Piece) -> bool:
        """Whether nothing is left to do."""
        return self.shard(piece).exists() or self.left_out(piece).exists()


def encode_pieces(pieces: list[Piece], encoding: Encoding, workers: int) -> dict[str, list[str]]:
    """Write the shards that are missing; an interruption loses the pieces in progress only.

    Returns:
        the pieces that gave no shard, by the reason.

    Raises:
        TrainingError: shards that are there were drawn with another seed.
    """
    for piece in pieces:
        if encoding.shard(piece).exists():
            check_drawn(encoding.shard(piece), encoding.seed)
        encoding.shard(piece).parent.mkdir(parents=True, exist_ok=True)
    missing = [(piece, encoding) for piece in pieces if not encoding.done(piece)]
    done = len(pieces) - len(missing)
    write_songs(encode_piece, missing, done, workers, bool(missing), training_fonts=False)
    reasons: dict[str, list[str]] = {}
    for piece in pieces:
        path = encoding.left_out(piece)
        if path.exists():
            why = json.loads(path.read_text(encoding="utf-8"))["why"]
            reasons.setdefault(str(why), []).append(piece.name)
    return reasons


def encode_piece(piece: Piece, encoding: Encoding) -> float:
    """Write one piece's shard, or why it has none; returns the stem-seconds it wrote."""
    prepare_process(1)
    try:
        audio = [stem_audio(stem, piece) for stem in piece.track.stems]
    except RuntimeError as error:  # soundfile's errors are RuntimeErrors
        return _leave_out(piece, encoding, f"minutes that cannot be read ({error})")
    heard = heard_stems(audio)
    if len(heard) < 2:
        return _leave_out(piece, encoding, SILENT)
    stems = [piece.track.stems[number] for number in heard]
    codec, device = _codec(encoding.codec, encoding.device)
    # A function of the piece alone: the same mixes whatever else there is, and in which order.
    rng = random.Random(f"{step_seed(encoding.seed, piece.number)}/{piece.name}")
    together = np.stack([audio[number] for number in heard])
    members, arrays = encode_stems(together, codec, rng, device)
    clock = clock_of(piece.track.midi, piece.first_s, piece.first_s + piece.seconds)
    header = {
        "name": piece.name,
        "tempo": None if clock is None else clock[0],
        "lead": 0.0 if clock is None else clock[1],
        "beats_per_bar": BEATS_PER_BAR,
        "chart": None,
        "sounds": [stem.sound for stem in stems],
        "instruments": [instrument_index(stem.instrument) for stem in stems],
        "members": members,
    }
    store_shard(encoding.shard(piece), header, arrays, encoding.seed)
    return len(stems) * piece.seconds


def _leave_out(piece: Piece, encoding: Encoding, why: str) -> float:
    path = encoding.left_out(piece)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"piece": piece.name, "why": why}), encoding="utf-8")
    part.replace(path)
    return 0.0


@lru_cache(1)
def _codec(weights: Path, device: str) -> tuple[LoadedCodec, torch.device]:
    where = pick_device(device)
    return load_grid_codec(weights).to(where), where


def shard_folder(out: Path, codec: Path) -> Path:
    """Where the shards of a codec lie in a folder of shards.

    Raises:
        CheckpointError: the codec's file cannot be read.
    """
    return out / fingerprint(load_grid_codec(codec))
