"""One song from its index: compose, arrange, render, write."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.band.fluidsynth import SAMPLE_RATE
from training.band.form import BEATS_PER_BAR, Form, draw_form
from training.band.grooves import load_styles
from training.band.harmony import KEY_NAMES
from training.band.humanise import STEADY, Strike, draw_wander, humanise
from training.band.mma import ChartError, chart_text, play_chart
from training.band.parts import Part, make_parts
from training.band.progressions import HELD_OUT, TRAINING
from training.band.render import (
    TAIL_S,
    Line,
    Performance,
    Stems,
    render_stems,
    stem_metadata,
    store_song,
)
from training.errors import TrainingError

MIN_PARTS = 4
ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Score:
    """A composed song: its form and, for each part, the notes as played."""

    form: Form
    parts: tuple[Part, ...]
    strikes: tuple[tuple[Strike, ...], ...]

    @property
    def samples(self) -> int:
        """Length of every stem: whole bars and the tail, at 32 kHz."""
        bars_s = self.form.bars * BEATS_PER_BAR * 60.0 / self.form.tempo
        return round((bars_s + TAIL_S) * SAMPLE_RATE)

    @property
    def performances(self) -> tuple[Performance, ...]:
        """Each part with what it plays."""
        return tuple(
            Performance(part, (Line(strikes),))
            for part, strikes in zip(self.parts, self.strikes, strict=True)
        )


def split_of(index: int, held_out: bool = False) -> str:
    """Which split a song belongs to: one in twenty 'valid', one in twenty 'test'.

    All of a held-out set is 'test': whatever trains finds nothing in it.
    """
    if held_out:
        return "test"
    return {0: "valid", 10: "test"}.get(index % 20, "train")


def song_folder(out: Path, index: int, held_out: bool = False) -> Path:
    """Where the song with this index lives."""
    return out / split_of(index, held_out) / f"{index:05d}"


def compose(seed: int, index: int, held_out: bool = False) -> Score:
    """Compose a song. The same seed and index give the same score.

    A held-out song has a style, chords and sounds that no song of a training set has, and its
    players keep to the grid, so that reports on it stay comparable.
    A chart that MMA refuses, or that leaves fewer than four parts, is drawn again. Raises
    TrainingError with MMA's words if twenty in a row fail.
    """
    rng = random.Random(f"held-out/{seed}/{index}" if held_out else f"{seed}/{index}")
    progressions = HELD_OUT if held_out else TRAINING
    problem = "too few parts"
    for _ in range(ATTEMPTS):
        form = draw_form(rng, load_styles(held_out), progressions)
        try:
            tracks = play_chart(chart_text(form, rng.randrange(1, 10**6)))
        except ChartError as error:
            problem = str(error)
            continue
        parts = make_parts(rng, form, tracks, held_out)
        if len(parts) >= MIN_PARTS and {"drums", "bass"} <= {part.name for part in parts}:
            wander = STEADY
            if not held_out:
                wander = draw_wander(random.Random(f"wander/{seed}/{index}"), form.bars)
            strikes = tuple(humanise(rng, part, form.tempo, wander) for part in parts)
            return Score(form, parts, strikes)
    raise TrainingError(f"no song {index} of seed {seed} in {ATTEMPTS} attempts: {problem}")


def render(score: Score, seed: int, index: int) -> Stems:
    """Stems by part name; silent ones are left out."""
    rng = np.random.default_rng([seed, index])
    return render_stems(rng, score.performances, score.samples)


def write_song(out: Path, seed: int, index: int, held_out: bool = False) -> float:
    """Compose, render and write one song; returns its stem-seconds."""
    score = compose(seed, index, held_out)
    stems = render(score, seed, index)
    meta = _metadata(score, seed, index, stems)
    if held_out:
        meta["held_out"] = True
    target = song_folder(out, index, held_out)
    store_song(out, target, stems, meta, score.form.tempo, score.performances)
    return len(stems) * score.samples / SAMPLE_RATE


def _metadata(score: Score, seed: int, index: int, stems: Stems) -> dict[str, Any]:
    form = score.form
    return {
        "index": index,
        "seed": seed,
        "sample_rate": SAMPLE_RATE,
        "samples": score.samples,
        "tempo": form.tempo,
        "beats_per_bar": BEATS_PER_BAR,
        "bars": form.bars,
        "key": KEY_NAMES[form.key],
        "mode": "minor" if form.minor else "major",
        "idiom": form.style.idiom,
        "feel": form.style.feel,
        "sections": [
            {
                "letter": section.letter,
                "first_bar": section.first_bar,
                "bars": section.bars,
                "cycle_bars": section.cycle_bars,
                "progression": " ".join(section.progression),
                "groove": f"{form.style.file}:{section.groove}",
                "fill": section.fill,
            }
            for section in form.sections
        ],
        "chords": [[c.bar, c.beat, c.chord.root, c.chord.quality] for c in form.chords],
        "stems": stem_metadata(score.performances, stems),
    }
