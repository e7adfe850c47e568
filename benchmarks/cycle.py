"""Is the cycle's length found, after how many bars, and is a broken cycle noticed?

    python -m benchmarks.cycle --songs FOLDER --loops FOLDER [--recordings tests/data/real]

Songs are those of `python -m training band --held-out`: sections of some bars each, so the truth is
bar by bar: do the chords of the chart equal those of the bar that stands in? Loops are those of
`python -m benchmarks.loops`: one cycle of a known length. What is heard is the mix without one of
its stems, as a player hears it that plays that part, in a third of the cases without more of them.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from companion.listen.cycle import MAX_CYCLE
from companion.listen.cycle_check import CycleCheck
from companion.listen.cycle_finder import Bar, CycleFinder
from companion.listen.fingerprint import beat_print
from training import songs as band

START = 4
"""The rig's default: the cycle until another is found."""
BEATS = 4


@dataclass(frozen=True)
class Music:
    """One recording as it is heard.

    Attributes:
        name: of it.
        bars: their fingerprints.
        chords: of each bar, a tuple of one chord a beat; empty where they are not known.
        cycle: bars after which a loop repeats; None where it does not.
    """

    name: str
    bars: tuple[Bar, ...]
    chords: tuple[tuple[str, ...], ...]
    cycle: int | None = None


def fingerprints(audio: np.ndarray, rate: int, bpm: float, bars: int) -> tuple[Bar, ...]:
    """The bars of a recording that starts on a bar line."""
    lines = [round(beat * 60.0 / bpm * rate) for beat in range(bars * BEATS + 1)]
    beats = [beat_print(audio[a:b], rate) for a, b in pairwise(lines)]
    return tuple(tuple(beats[at : at + BEATS]) for at in range(0, len(beats), BEATS))


def charted(metas: Iterable[Path]) -> list[Path]:
    """Folders of the songs whose chords are known, sorted."""
    return [meta.parent for meta in sorted(metas) if band.read_song(meta.parent).chart is not None]


def read_song(folder: Path, loop: bool) -> Music:
    """A song of a band set."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    rng = random.Random(folder.name)
    stems = sorted(meta["stems"])
    stems.remove(rng.choice(stems))
    if rng.random() < 1 / 3:
        stems = rng.sample(stems, max(2, len(stems) - 2))
    sounds = [soundfile.read(folder / stem, dtype="float32")[0] for stem in stems]
    chart = {(bar, beat): f"{root} {kind}" for bar, beat, root, kind in meta["chords"]}
    chords, sounding = [], ""
    for bar in range(meta["bars"]):
        names = []
        for beat in range(BEATS):
            sounding = chart.get((bar, beat), sounding)
            names.append(sounding)
        chords.append(tuple(names))
    bars = fingerprints(np.sum(sounds, 0), meta["sample_rate"], meta["tempo"], meta["bars"])
    cycle = meta["sections"][0]["cycle_bars"] if loop else None
    return Music(folder.name, bars, tuple(chords), cycle)


def read_recordings(folder: Path) -> list[Music]:
    """Real recordings: no chart."""
    found = []
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8")):
        audio, rate = soundfile.read(folder / entry["file"], dtype="float32")
        mono = audio.mean(1) if audio.ndim == 2 else audio
        bars = fingerprints(mono, rate, entry["bpm"], entry["bars"])
        found.append(Music(entry["file"], bars, ()))
    return found


def lengths(music: Music) -> list[int]:
    """The cycle after each bar."""
    finder, found = CycleFinder(START), []
    for bar in music.bars:
        finder.add(bar)
        found.append(finder.cycle)
    return found


def right_stand_ins(music: Music, cycles: Sequence[int]) -> float:
    """Share of the beats whose stand-in, two bars ahead, has the chord that comes then."""
    shares = []
    for bar in range(START, len(music.bars)):
        heard = bar - 2  # the last bar that is over when a bar is planned
        source = bar - cycles[heard]
        while source > heard:
            source -= cycles[heard]
        same = zip(music.chords[bar], music.chords[max(0, source)], strict=True)
        shares.append(np.mean([a == b for a, b in same]) if source >= 0 else 0.0)
    return float(np.mean(shares))


def noticed(music: Music, cycle: int) -> list[tuple[bool, int | None]]:
    """Of each bar that has a stand-in: whether its chords differ, and the beat that told so."""
    found = []
    for number in range(cycle, len(music.bars)):
        bar, stand_in = music.bars[number], music.bars[number - cycle]
        check, beat_of = CycleCheck(), None
        for beats in range(1, BEATS + 1):
            check.hear(bar[:beats], stand_in)
            if not check.holds:
                beat_of = beats
                break
        found.append((music.chords[number] != music.chords[number - cycle], beat_of))
    return found


def report_loops(loops: Sequence[Music]) -> None:
    """Accuracy by length, and from which bar on it stays right."""
    print("loops: length, right at the end, right or a multiple, from bar (median, if right)")
    for length in range(1, MAX_CYCLE + 1):
        chosen = [loop for loop in loops if loop.cycle == length]
        right, since, last = 0, [], []
        for loop in chosen:
            found = lengths(loop)
            wrong = [bar for bar, cycle in enumerate(found) if cycle != length]
            last.append(found[-1])
            if found[-1] == length:
                right += 1
                since.append(wrong[-1] + 2 if wrong else 1)
        if chosen:
            others = sorted(each for each in last if each != length)
            print(
                f"  {length:2}  {right}/{len(chosen)}  "
                f"{sum(each % length == 0 for each in last)}/{len(chosen)}  "
                f"{np.median(since) if since else '-'}"
                f"{f'  else {others}' if others else ''}"
            )


def report_stand_ins(name: str, songs: Sequence[Music]) -> None:
    """What finding the length is worth: right chords in what stands in for bars to come."""
    fixed = np.mean([right_stand_ins(song, [START] * len(song.bars)) for song in songs])
    found = np.mean([right_stand_ins(song, lengths(song)) for song in songs])
    text = (
        f"{name}: stand-ins with the right chord, cycle {START} kept {fixed:.3f}, found {found:.3f}"
    )
    if all(song.cycle for song in songs):
        true = np.mean([right_stand_ins(s, [s.cycle or START] * len(s.bars)) for s in songs])
        text += f", true length {true:.3f}"
    print(text)


def report_noticed(name: str, songs: Sequence[Music]) -> None:
    """Detection and false alarms of the check, a bar at a time."""
    bars = [each for song in songs for each in noticed(song, song.cycle or START)]
    for label, changed in (("changed chords, noticed", True), ("repeated, false alarm", False)):
        beats = [beat for differs, beat in bars if differs == changed]
        if not beats:
            continue
        by_beat = {n: np.mean([b is not None and b <= n for b in beats]) for n in (2, 3, 4)}
        shares = ", ".join(f"by beat {n}: {share:.3f}" for n, share in by_beat.items())
        print(f"{name}: {label}: {shares} of {len(beats)} bars")


def main() -> None:
    """Print every figure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--songs", type=Path)
    asked.add_argument("--loops", type=Path)
    asked.add_argument("--recordings", type=Path)
    asked.add_argument("--every", type=int, default=1, help="Take only every n-th song.")
    chosen = asked.parse_args()
    since = time.perf_counter()
    if chosen.songs:
        folders = charted(chosen.songs.glob("*/meta.json"))
        songs = [read_song(folder, loop=False) for folder in folders[:: chosen.every]]
        report_stand_ins("songs", songs)
        report_noticed("songs", songs)
    if chosen.loops:
        folders = charted(chosen.loops.glob("**/meta.json"))
        loops = [read_song(folder, loop=True) for folder in folders[:: chosen.every]]
        report_loops(loops)
        report_stand_ins("loops", loops)
        report_noticed("loops", loops)
    if chosen.recordings:
        for music in read_recordings(chosen.recordings):
            print(f"{music.name}: found after each bar {lengths(music)}")
    print(f"{time.perf_counter() - since:.1f} s")


if __name__ == "__main__":
    main()
