"""Songs written in several processes, with a bar that shows how far they are."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.context import BaseContext
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def write_songs(
    write: Callable[..., float],
    songs: Sequence[tuple[Any, ...]],
    done: int,
    workers: int,
    progress: bool,
    training_fonts: bool = True,
) -> None:
    """Call `write` with the arguments of each song; it returns the stem-seconds it wrote.

    Args:
        done: songs of the set that are there already.
        training_fonts: load the fonts of a training set once, for all processes.
    """
    with _bar(progress) as bar:
        task = bar.add_task("songs", total=done + len(songs), completed=done, rate="")
        stem_seconds = 0.0
        for written in _written(write, songs, workers, training_fonts):
            stem_seconds += written
            elapsed_s = bar.tasks[task].elapsed or 1e-3
            rate = f"{stem_seconds / elapsed_s:.0f} stem-seconds/s"
            bar.update(task, advance=1, rate=rate)


def _written(
    write: Callable[..., float],
    songs: Sequence[tuple[Any, ...]],
    workers: int,
    training_fonts: bool,
) -> Iterator[float]:
    """Write songs, here or in worker processes; yields the stem-seconds of each."""
    if workers == 1 or len(songs) < 2:
        for song in songs:
            yield write(*song)
        return
    count = min(workers, len(songs))
    context = _context(training_fonts)
    with ProcessPoolExecutor(count, context, initializer=_ignore_interrupt) as pool:
        running = [pool.submit(write, *song) for song in songs]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            # On an error or Ctrl-C the songs that are being written are still completed.
            pool.shutdown(wait=True, cancel_futures=True)


def _context(training_fonts: bool) -> BaseContext:
    """A fork server with the training fonts in memory; else each worker loads what it needs."""
    if not training_fonts or "forkserver" not in multiprocessing.get_all_start_methods():
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
