"""The commands `python -m training codec`, `codec-decoder` and `codec-report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from model.checkpoint import CODEC_FILE, load_grid_codec
from training.codec.decoder import train_decoder
from training.codec.report import OPUS_KBITS, CodecFigures, held_out_stems, measure, read_audio
from training.codec.train import train_codec
from training.errors import TrainingError
from training.songs import song_folders


def codec(
    band: Annotated[Path, typer.Option(help="Band set to train on.")] = Path("data/band"),
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and weights.")] = Path(
        "runs/codec"
    ),
    music: Annotated[
        list[Path] | None, typer.Option(help="Folder of other recordings; may be repeated.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 4000,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
) -> None:
    """Train the codec. Ctrl-C stops it; run it again to go on where it stopped."""
    weights = train_codec(band, out, music or [], steps, seed=seed, device=device, threads=threads)
    Console().print(f"weights: {weights}")


def codec_decoder(
    band: Annotated[Path, typer.Option(help="Band set to train on.")] = Path("data/band"),
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and weights.")] = Path(
        "runs/codec-decoder"
    ),
    start: Annotated[Path, typer.Option(help="Codec weights to go on from.")] = CODEC_FILE,
    music: Annotated[
        list[Path] | None, typer.Option(help="Folder of other recordings; may be repeated.")
    ] = None,
    adversarial: Annotated[
        bool, typer.Option("--adversarial", help="Train against discriminators as well.")
    ] = False,
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
) -> None:
    """Train the decoder of a codec on; its tokens stay what they are."""
    weights = train_decoder(
        start,
        band,
        out,
        music or [],
        steps,
        adversarial,
        seed=seed,
        device=device,
        threads=threads,
    )
    Console().print(f"weights: {weights}")


def codec_report(
    band: Annotated[Path, typer.Option(help="Band set whose test songs are measured.")] = Path(
        "data/band"
    ),
    recordings: Annotated[
        list[Path] | None, typer.Option(help="Folder of recordings to measure as well.")
    ] = None,
    weights: Annotated[Path, typer.Option(help="Codec weights.")] = CODEC_FILE,
    songs: Annotated[int, typer.Option(help="Test songs to take stems from.", min=1)] = 8,
) -> None:
    """Compare the codec with Opus: log-mel distance in dB, lower is better.

    Chroma is the cosine of pitch classes before and after, 1 at best; roughness, in dB, should stay
    what it was: less of it is noise that came back smooth.
    """
    network = load_grid_codec(weights)
    stems = held_out_stems(song_folders(band, "test")[:songs])
    groups = {"held-out stems": [measure(network, name, audio) for name, audio in stems]}
    for folder in recordings or []:
        files = sorted(p for p in folder.iterdir() if p.suffix in {".ogg", ".flac", ".wav"})
        if not files:
            raise TrainingError(f"no recordings in {folder}; valid: .ogg, .flac or .wav files")
        groups[folder.name] = [measure(network, path.name, read_audio(path)) for path in files]
    table = Table(
        "", "n", "ours 2.2", *(f"Opus {kbits}" for kbits in OPUS_KBITS), "chroma", "roughness"
    )
    for name, figures in groups.items():
        _add(table, f"mean of {name}", figures)
        drums = [figure for figure in figures if "drums" in figure.name]
        if drums:
            _add(table, "drums among them", drums)
        if name != "held-out stems":
            for figure in figures:
                _add(table, figure.name, [figure])
    Console(width=120).print(table)


def _add(table: Table, name: str, figures: list[CodecFigures]) -> None:
    def mean(values: list[float]) -> str:
        return f"{sum(values) / len(values):.2f}"

    opus = [mean([f.opus[kbits] for f in figures]) for kbits in OPUS_KBITS]
    before, after = (mean([f.roughness[at] for f in figures]) for at in (0, 1))
    table.add_row(
        name,
        str(len(figures)),
        mean([f.ours for f in figures]),
        *opus,
        mean([f.chroma for f in figures]),
        f"{before} -> {after}",
    )
