"""The commands `python -m training fit`, `speed` and `evaluate`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from training.codec.report import read_audio
from training.errors import TrainingError
from training.evaluation.evaluate import ReportSettings, write_report
from training.evaluation.fit import Audio, Fit, fit


def fit_report(
    recordings: Annotated[Path, typer.Argument(help="Folder with index.json and recordings.")],
    stems: Annotated[
        Path, typer.Argument(help="Folder with a stem for each recording: NAME.PART.wav.")
    ],
) -> None:
    """Print how stems fit the recordings they were made for, and how another song's would.

    A stem of another song is played against this recording as it is; the real stem is measured
    where there is one. Onset lock is the vector strength on the sixteenth and eighth grids.
    """
    index_file = recordings / "index.json"
    if not index_file.is_file():
        raise TrainingError(f"{index_file} is missing; valid: a folder with an index of recordings")
    songs = json.loads(index_file.read_text(encoding="utf-8"))
    table = Table("recording", "stem", "onsets", "lock 1/16", "lock 1/8", "chroma")
    files = {song["file"]: _stems_of(stems, song["file"]) for song in songs}
    totals: dict[str, list[Fit]] = {}
    for song in songs:
        mix = read_audio(recordings / song["file"])
        rows: list[tuple[str, str, Audio]] = []
        if song["stem"]:
            rows.append(("the real stem", "real", read_audio(recordings / song["stem"])))
        for part, path in files[song["file"]].items():
            rows.append((part, f"{part}, right song", read_audio(path)))
            for other in songs:
                if other is not song and part in files[other["file"]]:
                    wrong = read_audio(files[other["file"]][part])
                    # As long as the recording, so that the figures stand on as many onsets.
                    wrong = np.resize(wrong, len(mix))
                    name = f"{part}, made for {other['file']}"
                    rows.append((name, f"{part}, another song", wrong))
        for name, group, stem in rows:
            figures = fit(stem, mix, song["bpm"])
            totals.setdefault(group, []).append(figures)
            _add(table, song["file"], name, [figures])
    for group in sorted(totals):
        _add(table, "mean", group, totals[group])
    Console(width=120).print(table)


def evaluate_report(
    held_out: Annotated[Path, typer.Option(help="Songs that no training set has.")] = (
        Path("data/held-out")
    ),
    recordings: Annotated[Path, typer.Option(help="Folder with index.json and recordings.")] = (
        Path("tests/data/real")
    ),
    band: Annotated[
        Path | None, typer.Option(help="Band set it was trained on, to look for copies in.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder with the weights.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the stems, the report and its page.")] = (
        Path("runs/evaluation")
    ),
    examples: Annotated[
        int, typer.Option(help="Windows a scenario; FAD takes about 300.", min=2)
    ] = 300,
    seed: Annotated[int, typer.Option(help="Same seed, same windows.", min=0)] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes; left out: as many as there are cores.", min=1)
    ] = None,
) -> None:
    """Measure the generator: one report. Run it again to go on where it stopped.

    Its stems are held against the true ones and stems of other songs, as they are in their songs;
    the true ones through the codec stand beside them.
    """
    processes = os.cpu_count() or 1 if workers is None else workers
    write_report(
        ReportSettings(held_out, recordings, band, weights, out, examples, seed, workers=processes)
    )


def _stems_of(folder: Path, recording: str) -> dict[str, Path]:
    name = Path(recording).stem
    found = {path.name.split(".")[1]: path for path in sorted(folder.glob(f"{name}.*.wav"))}
    if not found:
        raise TrainingError(f"no stem {folder / name}.*.wav; valid: one for each recording")
    return found


def _add(table: Table, recording: str, name: str, figures: list[Fit]) -> None:
    def mean(values: list[float]) -> str:
        return f"{sum(values) / len(values):.2f}"

    table.add_row(
        recording,
        name,
        str(sum(f.onsets for f in figures)),
        mean([f.sixteenth for f in figures]),
        mean([f.eighth for f in figures]),
        mean([f.chroma for f in figures]),
    )
