"""Songs whose chords repeat after a known number of bars, to find cycles in.

    python -m benchmarks.loops --out FOLDER --songs 40 [--held-out]

Composed and rendered as `python -m training band` does it, but each is one cycle of 1 to 16 bars
played three times or more, with the drummer's fills and a lead that never plays the same twice.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from training.band import song
from training.band.form import Form, Section, _draw_style, _spell
from training.band.grooves import Style
from training.band.progressions import HELD_OUT, Progressions, draw_progression

LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16)
LEAST_BARS, MOST_BARS = 20, 48


def draw_cycle(
    rng: random.Random, length: int, style: Style, minor: bool, progressions: Progressions
) -> tuple[str, ...]:
    """Chords that repeat after `length` bars, and after no fewer."""
    while True:
        chords: list[str] = []
        while len(chords) < length:
            chords += draw_progression(rng, style.idiom, minor, progressions)
        cycle = tuple(chords[:length])
        if all(
            cycle != cycle[:shorter] * (length // shorter)
            for shorter in range(1, length)
            if length % shorter == 0
        ):
            return cycle


def draw_loop(
    rng: random.Random, styles: tuple[Style, ...], progressions: Progressions, length: int
) -> Form:
    """A song of one cycle; a second groove takes over half-way through in half of them."""
    style = _draw_style(rng, styles)
    low, high = style.tempo
    tempo = min(160.0, max(70.0, float(rng.randint(low, high))))
    minor = rng.random() < 0.42
    cycle = draw_cycle(rng, length, style, minor, progressions)
    times = max(3, -(-LEAST_BARS // length))
    bars = min(MOST_BARS, times * length)
    half = bars // 2 // length * length if rng.random() < 0.5 else 0
    grooves = rng.choice(style.grooves), rng.choice(style.grooves)
    stretches = [(0, half, grooves[0]), (half, bars - half, grooves[1])]
    sections = tuple(
        Section("A", first, size, groove, rng.choice(style.fills or (None,)), cycle)
        for first, size, groove in stretches
        if size
    )
    key = rng.randrange(12)
    return Form(style, tempo, key, minor, sections, _spell(rng, sections, key, 0.0))


def main() -> None:
    """Write the songs; the lengths take turns."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--songs", type=int, default=40)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--held-out", action="store_true")
    chosen = asked.parse_args()
    for index in range(chosen.songs):
        if song.song_folder(chosen.out, index, chosen.held_out).exists():
            continue
        length = LENGTHS[index % len(LENGTHS)]
        song.draw_form = lambda rng, styles, progressions=HELD_OUT, length=length: draw_loop(
            rng, styles, progressions, length
        )
        song.write_song(chosen.out, chosen.seed, index, chosen.held_out)
        print(index, length, flush=True)


if __name__ == "__main__":
    main()
