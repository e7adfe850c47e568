"""What a leak of the own stem into the input does to the plans, and what the echo guard saves.

    python -m benchmarks.leak --held-out FOLDER --examples 24

A player with the bundled model joins held-out songs on the offline clock, a plan a bar. What it
plays comes back through a loudspeaker, a room and a microphone, 6 dB below the band. Printed are
measures of `training.evaluation` of its stem with the band as it was, once the leak has had a cycle
to be heard in: without a leak, with one, with one and the guard, and of the true stem.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.broken_cycle import SHOWN, figures, mix_of
from benchmarks.comparison import print_comparison
from companion.audio.memory import Samples
from companion.control.preset import PlayerPreset, Preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.session.session import Session
from companion.take.take import Take
from model.grid import SAMPLE_RATE
from tests.companion.audio.leak import leaky_rig, room
from training.evaluation.examples import group_of
from training.evaluation.held_out import HeldOutSong, read_songs

CYCLE, MEASURED_FROM, BARS = 4, 8, 16
LEAK_DB = -6.0
CASES = ("no leak", "leak", "leak, guarded")


def play(
    worker: InlineWorker,
    preset: Preset,
    signal: Samples,
    path: Samples,
    guarded: bool,
    seed: int,
) -> Samples:
    """The stem, from bar 0 on."""
    rig = leaky_rig(1, signal, SAMPLE_RATE, path, guarded)
    with tempfile.TemporaryDirectory() as folder:
        take = Take(Path(folder), {"player": 1}, threaded=False)
        Session(preset, rig, worker, preset.store(), take, seed, 0).run(lambda _: None)
        stem, _ = soundfile.read(Path(folder) / "player.wav", dtype="float32")
    return stem


def example(
    worker: InlineWorker, song: HeldOutSong, target: str, first: int, seed: int
) -> dict[str, dict[str, float]]:
    """The measures of each case."""
    names = [name for name in song.song.stems if name != target]
    grid = song.grid
    context = song.mix(names, first, grid.start_samples(BARS))
    instrument = song.song.stems[target]
    preset = Preset(
        name="leak",
        players=(PlayerPreset("player", {"instrument": instrument}),),
        bpm=Fraction(song.song.tempo).limit_denominator(1000),
        bars=BARS,
        knobs={"cycle": CYCLE},
        count_in_bars=0,
    )
    skip, end = grid.start_samples(MEASURED_FROM), grid.start_samples(BARS)
    stems = {"no leak": play(worker, preset, context, np.zeros(2048, np.float32), False, seed)}
    path = np.zeros(2048, np.float32)
    way = room(seed)
    path[: len(way)] = way[: len(path)]
    echo = np.convolve(stems["no leak"][skip:end], path)
    level = np.sqrt(np.mean(context**2) / np.mean(echo**2)) * 10 ** (LEAK_DB / 20)
    path *= np.float32(level)
    for case in CASES[1:]:
        stems[case] = play(worker, preset, context, path, case != "leak", seed)
    stems["true"] = mix_of(song, [target], first, grid.start_samples(BARS), 0)
    return {
        case: figures(song, names, stem[skip:end], first + MEASURED_FROM, end - skip, 0)
        for case, stem in stems.items()
    }


def main() -> None:
    """Play, measure, print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--held-out", type=Path, required=True)
    asked.add_argument("--examples", type=int, default=24)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    rng = random.Random(chosen.seed)
    songs = [song for song in read_songs(chosen.held_out) if song.song.bars >= BARS]
    worker = InlineWorker(loading("model"))
    worker.wait_ready()
    results: list[dict[str, dict[str, float]]] = []
    for song in rng.sample(songs, len(songs)):
        if len(results) == chosen.examples:
            break
        wanted = ("bass", "other", "other")[len(results) % 3]
        targets = sorted(n for n, kind in song.song.stems.items() if group_of(kind) == wanted)
        if not targets:
            continue
        target, first = rng.choice(targets), rng.randint(0, song.song.bars - BARS)
        results.append(example(worker, song, target, first, rng.randrange(2**32)))
        shown = {case: round(row["learned coherence"], 3) for case, row in results[-1].items()}
        print(song.name, target, shown, flush=True)
    print_comparison(results, SHOWN, (*CASES, "true"), "no leak")


if __name__ == "__main__":
    main()
