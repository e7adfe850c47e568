"""When the chords leave the cycle, what had better stand in for bars not yet played?

    python -m benchmarks.broken_cycle --held-out FOLDER --examples 16 --out FILE [--key-change]

Songs in which a section with other chords begins are played along with, a plan a bar, by five
rules: keep the last cycle; know nothing of what is to come (the horizon); know only what bars from
the break on stand in for (fresh); take the last bar for all that comes (a vamp); look for an
earlier bar like the last one and take what followed it (recall). All but the first act only while
the cycle is heard to be broken. Printed are the measures of `training.evaluation` over the bars
from the change on, beside the true stem and one of another song. With `--key-change` the song goes
on in another key as well: everything but the drums is transposed there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.comparison import print_comparison
from companion.listen.fingerprint import BeatPrint, beat_print
from model.generator import StemGenerator, load_generator
from model.grid import HOP, SAMPLE_RATE
from model.instruments import instrument_index
from training.evaluation import live
from training.evaluation.chart import chords_between
from training.evaluation.examples import OtherStem, group_of
from training.evaluation.fit import Audio
from training.evaluation.held_out import BarGrid, HeldOutSong, read_songs
from training.evaluation.measuring import MEASURES, Heard
from training.evaluation.notes import find_notes
from training.evaluation.scenarios import CYCLE as CYCLE_SCENARIO
from training.evaluation.scenarios import SHIPPED
from training.evaluation.stretch import stretched
from training.loop import prepare_process

CYCLE = 4
BEFORE, AFTER = 6, 6
"""Bars of a session before the change and after it; the first `CYCLE` are only heard."""
FITS = 0.61
"""Similarity of chords below which a bar contradicts the one that stood in for it."""
SHOWN = (
    "notes in the chord",
    "chroma with the context's",
    "key",
    "learned coherence",
    "grid onsets, F1",
)

Rule = Callable[[int, list[list[BeatPrint]], int, int], int | None]
"""Of a bar to come, the bars heard, the last one's number and that of the first which broke the
cycle: the bar that stands in, or None."""


def likeness(one: list[BeatPrint], other: list[BeatPrint]) -> float:
    """Cosine of the chords of two bars."""
    a = np.mean([beat.chords for beat in one], 0)
    b = np.mean([beat.chords for beat in other], 0)
    return float(a @ b / max(1e-6, np.linalg.norm(a) * np.linalg.norm(b)))


def keep(bar: int, heard: list[list[BeatPrint]], last: int, since: int) -> int | None:
    """The same bar of the last cycle."""
    while bar > last:
        bar -= CYCLE
    return bar if bar >= 0 else None


def horizon(bar: int, heard: list[list[BeatPrint]], last: int, since: int) -> int | None:
    """Nothing."""
    return None


def fresh(bar: int, heard: list[list[BeatPrint]], last: int, since: int) -> int | None:
    """The same bar of the last cycle, if it is of the new music."""
    source = keep(bar, heard, last, since)
    return source if source is not None and source >= since else None


def vamp(bar: int, heard: list[list[BeatPrint]], last: int, since: int) -> int | None:
    """The last bar again."""
    return last


def recall(bar: int, heard: list[list[BeatPrint]], last: int, since: int) -> int | None:
    """What followed the earlier bar most like the last one; the last bar where none is alike."""
    likes = [likeness(heard[last], heard[earlier]) for earlier in range(last)]
    if not likes or max(likes) < FITS:
        return last
    source = int(np.argmax(likes)) + bar - last
    return source if source <= last else last


RULES: dict[str, Rule] = {
    "keep": keep,
    "horizon": horizon,
    "fresh": fresh,
    "vamp": vamp,
    "recall": recall,
}


class Listener:
    """Stands in for `live.heard_by`: bars to come are heard by a rule while the cycle is broken."""

    def __init__(self, context: Audio, grid: BarGrid, bars: int, rule: Rule) -> None:
        """Fingerprint the whole session; only what was heard by then is looked at."""
        self.rule, self.broken_bars = rule, 0
        beats = grid.beats_per_bar
        lines = [
            round(grid.start_samples(bar) + beat * grid.bar_s / beats * SAMPLE_RATE)
            for bar in range(bars)
            for beat in range(beats)
        ]
        lines.append(grid.start_samples(bars))
        prints = [beat_print(context[a:b], SAMPLE_RATE) for a, b in pairwise(lines)]
        self.bars = [prints[n * beats : (n + 1) * beats] for n in range(bars)]

    def broken(self, horizon_bar: int) -> int | None:
        """The first of the bars that contradict those a cycle before, up to the last one heard."""
        since = None
        for bar in range(horizon_bar - 1, CYCLE - 1, -1):
            if likeness(self.bars[bar], self.bars[bar - CYCLE]) >= FITS:
                break
            since = bar
        return since

    def __call__(
        self, context: Audio, grid: BarGrid, horizon_bar: int, frames: int, cycle: int | None
    ) -> tuple[Audio, NDArray[np.bool_]]:
        """See `live.heard_by`."""
        since = self.broken(horizon_bar)
        self.broken_bars += since is not None
        rule = self.rule if since is not None else keep
        past = context[: grid.start_samples(horizon_bar)]
        audio = np.zeros(frames * HOP, np.float32)
        known = np.zeros(frames * HOP, np.bool_)
        kept = min(len(past), len(audio))
        audio[:kept], known[:kept] = past[:kept], True
        bar = horizon_bar
        while grid.start_samples(bar) < len(audio):
            source = rule(bar, self.bars[:horizon_bar], horizon_bar - 1, since or 0)
            at, end = grid.start_samples(bar), min(grid.start_samples(bar + 1), len(audio))
            if source is not None:
                sound = past[grid.start_samples(source) :][: end - at]
                audio[at : at + len(sound)], known[at:end] = sound, True
            bar += 1
        return audio, known.reshape(-1, HOP).sum(1) * 2 >= HOP


class Remembering:
    """The generator, which makes no plan twice."""

    def __init__(self, generator: StemGenerator) -> None:
        """Nothing made yet."""
        self._generator, self._made = generator, {}
        self.max_frames, self.silence = generator.max_frames, generator.silence

    def start(self, request: object) -> object:
        """As that of the generator."""
        parts = [getattr(request, n) for n in ("context", "context_known", "prefix", "lead")]
        key = hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts))
        key.update(str((request.seed, request.frames, request.instrument)).encode())
        name = key.hexdigest()
        if name not in self._made:
            self._made[name] = self._generator.start(request).result()
        made = self._made[name]
        return type("Made", (), {"result": staticmethod(lambda: made)})


def changes(song: HeldOutSong) -> list[int]:
    """Bars at which the chords leave the last four bars: at least two of the next four differ."""
    found = []
    for bar in range(BEFORE, song.song.bars - AFTER + 1):
        before = [song.bar_chords(b) == song.bar_chords(b - CYCLE) for b in range(bar - 2, bar)]
        after = [song.bar_chords(b) == song.bar_chords(b - CYCLE) for b in range(bar, bar + 4)]
        if all(before) and not after[0] and sum(after) <= 2:
            found.append(bar)
    return found


def mix_of(
    song: HeldOutSong, names: list[str], first_bar: int, samples: int, semitones: int
) -> Audio:
    """Some stems of a song, all but its drums so much higher."""
    drums = [name for name in names if song.song.stems[name] == "drums"]
    pitched = [name for name in names if name not in drums]
    mix = song.mix(drums, first_bar, samples)
    if pitched:
        mix = mix + stretched(song.mix(pitched, first_bar, samples), 1.0, semitones)
    return mix


def figures(
    song: HeldOutSong, names: list[str], stem: Audio, first_bar: int, samples: int, semitones: int
) -> dict[str, float]:
    """What `training.evaluation` says of a stem from a bar on, the song so much higher."""
    pitched = [name for name in names if song.song.stems[name] != "drums"]
    bpm, beats = song.song.tempo, song.song.beats_per_bar
    chart = [(bar, beat, (root + semitones) % 12, kind) for bar, beat, root, kind in song.chart]
    heard = Heard(
        stem,
        mix_of(song, names, first_bar, samples, semitones),
        mix_of(song, pitched, first_bar, samples, semitones) if pitched else None,
        bpm,
        song.divisions,
        chords_between(chart, bpm, beats, first_bar, samples / SAMPLE_RATE),
        (song.key + semitones) % 12 + song.key // 12 * 12,
        find_notes(stem),
    )
    return {label: MEASURES[label](heard) for label in SHOWN}


def other_stem(
    song: HeldOutSong, songs: tuple[HeldOutSong, ...], instrument: str, samples: int
) -> Audio:
    """A stem of the same class in the song of the nearest tempo, stretched to this one."""
    near = [s for s in songs if s.name != song.name and instrument in s.song.stems.values()]
    other = min(near, key=lambda s: abs(np.log(s.song.tempo / song.song.tempo)))
    stem = next(n for n, kind in other.song.stems.items() if kind == instrument)
    speed = song.song.tempo / other.song.tempo
    chosen = OtherStem(other.name, stem, 4)
    sound = other.mix((chosen.stem,), chosen.first_bar, round(samples * speed))
    return stretched(sound, speed)[:samples]


def main() -> None:
    """Play, measure, print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--held-out", type=Path, required=True)
    asked.add_argument("--examples", type=int, default=16)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--rules", nargs="+", default=list(RULES), choices=list(RULES))
    asked.add_argument(
        "--out", type=Path, help="Results by example, JSON; goes on where it stopped."
    )
    asked.add_argument("--key-change", action="store_true")
    chosen = asked.parse_args()
    prepare_process(1)
    generator = Remembering(load_generator("cpu", None))
    songs = read_songs(chosen.held_out)
    rng = random.Random(chosen.seed)
    done: dict[tuple[object, ...], dict[str, object]] = {}
    if chosen.out is not None and chosen.out.exists():
        rows = json.loads(chosen.out.read_text(encoding="utf-8"))
        done = {(row["song"], row["bar"], row["stem"]): row for row in rows}
    results: list[dict[str, object]] = []
    for song in rng.sample(list(songs), len(songs)):
        found = changes(song)
        if not found or len(results) == chosen.examples:
            continue
        change = rng.choice(found)
        wanted = ("bass", "other", "other")[len(results) % 3]
        stems = [n for n, kind in song.song.stems.items() if group_of(kind) == wanted]
        if not stems:
            continue
        target = rng.choice(sorted(stems))
        instrument = song.song.stems[target]
        names = [name for name in song.song.stems if name != target]
        first, grid, bars = change - BEFORE, song.grid, BEFORE + AFTER
        skip, samples = grid.start_samples(BEFORE - CYCLE), grid.start_samples(AFTER)
        up = random.Random(song.name).choice((-4, -3, -2, 2, 3, 4)) if chosen.key_change else 0
        context = song.mix(names, first, grid.start_samples(bars))
        if up:
            later = mix_of(song, names, change, samples, up)
            context[grid.start_samples(BEFORE) :] = np.resize(
                later, len(context) - grid.start_samples(BEFORE)
            )
        session = live.Session(
            context=context,
            grid=grid,
            instrument=instrument_index(instrument),
            first_bar=CYCLE,
            end_bar=bars,
            seed=rng.randrange(2**40),
        )
        row: dict[str, object] = {"song": song.name, "bar": change, "stem": target}
        row |= done.get((song.name, change, target), {})
        for name in chosen.rules:
            if name in row:
                continue
            live.heard_by = Listener(session.context, grid, bars, RULES[name])
            stem = live.play_live(generator, session, CYCLE_SCENARIO, SHIPPED).audio
            row[name] = figures(song, names, stem[skip:][:samples], change, samples, up)
            row["broken plans"] = live.heard_by.broken_bars
        if "true" not in row:
            true = mix_of(song, [target], change, samples, up)
            row["true"] = figures(song, names, true, change, samples, up)
            random_one = other_stem(song, songs, instrument, samples)
            row["random"] = figures(song, names, random_one, change, samples, up)
        results.append(row)
        print(song.name, change, target, "broken plans:", row["broken plans"], flush=True)
        if chosen.out is not None:
            chosen.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    report([row for row in results if row["broken plans"]], chosen.rules)


def report(results: list[dict[str, object]], rules: list[str]) -> None:
    """Means of each rule, and its difference from keeping the cycle with its standard error."""
    print(f"{len(results)} examples in which the break was heard")
    print_comparison(results, SHOWN, (*rules, "true", "random"), "keep")


if __name__ == "__main__":
    main()
