"""The commands `python -m training coherence` and `coherence-report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from model.checkpoint import CODEC_FILE, load_grid_codec
from training.coherence.report import ROLE_NAMES, Judged, auc, judge_songs
from training.coherence.run import train_coherence
from training.coherence.train import CoherenceSettings
from training.evaluation.coherence import COHERENCE_FILE, Coherence
from training.songs import charted_folders


def coherence(
    band: Annotated[Path, typer.Option(help="Band set to train on.")] = Path("data/band"),
    codec: Annotated[Path, typer.Option(help="Codec weights.")] = CODEC_FILE,
    out: Annotated[Path, typer.Option(help="Folder for bands, checkpoints, logs, weights.")] = (
        Path("runs/coherence")
    ),
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 1100,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
) -> None:
    """Train the network that measures whether a stem belongs to a mix. Ctrl-C stops it; run it
    again to go on where it stopped."""
    settings = CoherenceSettings(steps=steps, seed=seed)
    weights = train_coherence(band, codec, out, settings, device=device, threads=threads)
    Console().print(f"weights: {weights}")


def coherence_report(
    band: Annotated[Path, typer.Option(help="Band set whose test songs are judged.")] = Path(
        "data/held-out"
    ),
    codec: Annotated[Path, typer.Option(help="Codec weights.")] = CODEC_FILE,
    weights: Annotated[Path, typer.Option(help="Coherence weights.")] = COHERENCE_FILE,
    songs: Annotated[int, typer.Option(help="Test songs to take stems from.", min=2)] = 30,
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
) -> None:
    """Print how well true stems are told from wrong ones, and what moves the measure."""
    if threads:
        torch.set_num_threads(threads)
    folders = charted_folders(band, "test")[:songs]
    judged = list(judge_songs(Coherence.load(weights), load_grid_codec(codec), folders))
    print = Console(width=120).print
    print("True stem above the wrong one in the same mix, share of pairs; AUC over all mixes")
    print(_told_apart(judged))
    print("Mean of the probability 0..1: both, and each half")
    print(_moved_by(judged))


WRONG = ("other song", "other bars", "eighth", "beat", "up 1", "up 3", "up 6")
"""Variants that a true stem is told from."""


def _told_apart(judged: list[Judged]) -> Table:
    table = Table("role", "n", *WRONG, "AUC other song", "AUC, both by codec")
    for role in (*ROLE_NAMES, "all"):
        chosen = [entry.log_odds for entry in judged if role in (entry.role, "all")]
        cells = []
        for wrong in WRONG:
            pairs = [(one["true"][2], one[wrong][2]) for one in chosen if wrong in one]
            cells.append(f"{np.mean([a > b for a, b in pairs]):.2f}" if pairs else "")
        for true, wrong in (("true", "other song"), ("codec", "other song, codec")):
            trues = np.array([one[true][2] for one in chosen])
            wrongs = np.array([one[wrong][2] for one in chosen if wrong in one])
            cells.append(f"{auc(trues, wrongs):.3f}")
        table.add_row(role, str(len(chosen)), *cells)
    return table


def _moved_by(judged: list[Judged]) -> Table:
    table = Table("variant", *ROLE_NAMES, "all", "harmonic, pitched", "percussive")
    for variant in dict.fromkeys(name for entry in judged for name in entry.log_odds):
        entries = [entry for entry in judged if variant in entry.log_odds]
        cells = [
            _mean([e.log_odds[variant][2] for e in entries if role in (e.role, "all")])
            for role in (*ROLE_NAMES, "all")
        ]
        cells.append(_mean([e.log_odds[variant][0] for e in entries if e.role != "drums"]))
        cells.append(_mean([e.log_odds[variant][1] for e in entries]))
        table.add_row(variant, *cells)
    return table


def _mean(log_odds: list[float]) -> str:
    return f"{np.mean(1 / (1 + np.exp(-np.array(log_odds)))):.2f}" if log_odds else ""
