"""Whether drawing windows from shards keeps up with the training: shards beside made-up tokens.

    python -m benchmarks.feeding SHARDS [--frames 1000] [--windows 40] [--steps 20]

Prints how many frames a second are drawn from the shards by a thread, as training draws them, and
how many from songs that are in memory already and hold any numbers. Both without a network: the
machine that trains has to take fewer a second than the first number for its input never to keep it
waiting. What a run itself says of it is `waiting_share` in its `log.jsonl`. SHARDS is a folder of
`.safetensors` files: `train` within what `python -m training prepare` or `stemgen` wrote.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from training.stemgen.pairs import draw_batch
from training.stemgen.shards import EncodedSong, read_shards


def main() -> None:
    """Print the two numbers and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeding")
    parser.add_argument("shards", type=Path)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    songs = read_shards(options.shards)
    sizes = options.windows, options.frames, options.steps
    drawn, made_up = frames_a_second(songs, *sizes), frames_a_second(synthetic(songs), *sizes)
    print(f"shards, {len(songs)} songs: {drawn:.0f} frames/s")
    print(f"made-up tokens: {made_up:.0f} frames/s; the shards give {drawn / made_up:.0%} of that")


def synthetic(songs: list[EncodedSong]) -> list[EncodedSong]:
    """One song of numbers in memory, of the sizes of the longest one, all of it sounding."""
    song = max(songs, key=lambda song: song.frames)
    rng = np.random.default_rng(0)
    return [
        replace(
            song,
            stems=rng.integers(0, 2048, song.stems.shape, np.int16),
            mixes=rng.integers(0, 2048, song.mixes.shape, np.int16),
            stem_pitches=rng.integers(-127, 127, song.stem_pitches.shape, np.int8),
            mix_pitches=rng.integers(-127, 127, song.mix_pitches.shape, np.int8),
            sounding=np.ones_like(song.sounding),
            mix_sounding=np.ones_like(song.mix_sounding),
        )
    ]


def frames_a_second(songs: list[EncodedSong], windows: int, frames: int, steps: int) -> float:
    """Of the median step, after one to warm up."""
    seconds = []
    for step in range(steps + 1):
        started = time.perf_counter()
        draw_batch(songs, windows, frames, 1, step)
        seconds.append(time.perf_counter() - started)
    return windows * frames / median(seconds[1:])


if __name__ == "__main__":
    main()
