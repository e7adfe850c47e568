"""Write a whole band set in several processes."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.context import BaseContext
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.band.fluidsynth import check_library
from training.band.fonts import check_fonts
from training.band.mma import find_mma
from training.band.song import UNFINISHED, song_folder, write_song
from training.errors import TrainingError


def build_band(
    out: Path,
    songs: int,
    seed: int,
    workers: int,
    progress: bool = True,
    held_out: bool = False,
) -> None:
    """Write songs 0..songs-1 of a seed under `out`; songs that are there already are kept.

    A song depends on the seed and its index only, not on the number of workers. A held-out set
    has styles, progressions and fonts that no training set has, and is all "test". Raises
    TrainingError if a number is out of range, if MMA, FluidSynth or a sound font is
    missing, if `out` holds songs of another seed or kind, or if it cannot be written.
    """
    for name, value, lowest in (("songs", songs, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if value < lowest:
            raise TrainingError(f"{name} is {value}: must be at least {lowest}")
    find_mma()
    check_library()
    check_fonts(held_out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        missing = _missing_songs(out, songs, seed, held_out)
        with _bar(progress) as bar:
            task = bar.add_task("songs", total=songs, completed=songs - len(missing), rate="")
            stem_seconds = 0.0
            for written in _write_songs(out, seed, missing, workers, held_out):
                stem_seconds += written
                elapsed_s = bar.tasks[task].elapsed or 1e-3
                rate = f"{stem_seconds / elapsed_s:.0f} stem-seconds/s"
                bar.update(task, advance=1, rate=rate)
        shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    except OSError as error:
        raise TrainingError(f"cannot write to {error.filename or out}: {error.strerror}") from error


def _missing_songs(out: Path, songs: int, seed: int, held_out: bool) -> list[int]:
    """Indices not on disk yet; TrainingError if what is there has another seed or kind."""
    kinds = {False: "a training set", True: "a held-out set"}
    for meta in sorted(out.glob("*/*/meta.json"))[:1]:
        found = json.loads(meta.read_text(encoding="utf-8")).get("held_out", False)
        if found != held_out:
            raise TrainingError(
                f"{out} holds songs of {kinds[found]}: give {kinds[held_out]} a folder of its own"
            )
    missing = []
    for index in range(songs):
        meta = song_folder(out, index, held_out) / "meta.json"
        if not meta.exists():
            missing.append(index)
            continue
        found = json.loads(meta.read_text(encoding="utf-8"))["seed"]
        if found != seed:
            raise TrainingError(f"{out} holds songs of seed {found}: give that seed, not {seed}")
    return missing


def _write_songs(
    out: Path, seed: int, indices: list[int], workers: int, held_out: bool
) -> Iterator[float]:
    """Write songs, here or in worker processes; yields the stem-seconds of each."""
    if workers == 1 or len(indices) < 2:
        for index in indices:
            yield write_song(out, seed, index, held_out)
        return
    count = min(workers, len(indices))
    with ProcessPoolExecutor(count, _context(held_out), initializer=_ignore_interrupt) as pool:
        running = [pool.submit(write_song, out, seed, index, held_out) for index in indices]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            # On an error or Ctrl-C the songs that are being written are still completed.
            pool.shutdown(wait=True, cancel_futures=True)


def _context(held_out: bool) -> BaseContext:
    """A fork server with the training fonts in memory; else each worker loads what it needs."""
    if held_out or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.band.preload"])
    return context


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _bar(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        disable=not shown,
    )
