"""One song from its index: compose, arrange, render, write."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray

from training.band.effects import SILENCE, add_effects, set_level
from training.band.fluidsynth import DRUM_CHANNEL, SAMPLE_RATE, FontSynth, Voice
from training.band.fonts import FONTS, HELD_OUT_FONTS
from training.band.form import BEATS_PER_BAR, Form, draw_form
from training.band.grooves import load_styles
from training.band.harmony import KEY_NAMES
from training.band.humanise import Strike, humanise
from training.band.mma import ChartError, chart_text, play_chart
from training.band.parts import Part, make_parts
from training.band.progressions import HELD_OUT, TRAINING
from training.errors import TrainingError

TAIL_S = 1.0
PEAK = 0.9
MIN_PARTS = 4
ATTEMPTS = 20
TICKS_PER_BEAT = 480
UNFINISHED = ".unfinished"
"""Folder in the set where songs are written before they are moved to their split."""


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

    A held-out song has a style, chords and sounds that no song of a training set has.
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
            strikes = tuple(humanise(rng, part, form.tempo) for part in parts)
            return Score(form, parts, strikes)
    raise TrainingError(f"no song {index} of seed {seed} in {ATTEMPTS} attempts: {problem}")


@lru_cache(maxsize=len(FONTS) + len(HELD_OUT_FONTS))
def _synth(font: str) -> FontSynth:
    """The process's synthesiser for a font; loading one takes seconds."""
    return FontSynth({**FONTS, **HELD_OUT_FONTS}[font].path)


def load_fonts() -> None:
    """Load the fonts of a training set (some 0.8 GB) now instead of at the first song."""
    for font in FONTS:
        _synth(font)


def render(score: Score, seed: int, index: int) -> dict[str, NDArray[np.float32]]:
    """Stems by part name, float32 [samples] within ±1; silent ones are left out.

    Stems keep their balance: one gain brings the loudest stem or the sum below the ceiling.
    """
    rng = np.random.default_rng([seed, index])
    dry: dict[str, NDArray[np.float32]] = {}
    for font in sorted({part.font for part in score.parts}):
        chosen = [i for i, part in enumerate(score.parts) if part.font == font]
        channels = iter(channel for channel in range(16) if channel != DRUM_CHANNEL)
        voices = [
            Voice(
                DRUM_CHANNEL if score.parts[i].drums else next(channels),
                score.parts[i].program,
                score.strikes[i],
            )
            for i in chosen
        ]
        rows = _synth(font).render(voices, score.samples)
        dry.update((score.parts[i].name, row) for i, row in zip(chosen, rows, strict=True))
    stems: dict[str, NDArray[np.float32]] = {}
    for part in score.parts:
        wet = add_effects(rng, dry[part.name], part.family)
        wet = set_level(rng, wet, part.family, part.name == "lead")
        if np.abs(dry[part.name]).max() > SILENCE:
            stems[part.name] = wet
    mix = np.sum(list(stems.values()), axis=0)
    loudest = max(float(np.abs(audio).max()) for audio in (mix, *stems.values()))
    gain = np.float32(min(1.0, PEAK / loudest))
    return {name: audio * gain for name, audio in stems.items()}


def write_song(out: Path, seed: int, index: int, held_out: bool = False) -> float:
    """Compose, render and write one song; returns its stem-seconds.

    The song appears in its split only when it is complete; until then it is in `UNFINISHED`.
    """
    score = compose(seed, index, held_out)
    stems = render(score, seed, index)
    target = song_folder(out, index, held_out)
    unfinished = out / UNFINISHED / target.name
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, audio in stems.items():
        path = unfinished / f"{name}.flac"
        soundfile.write(path, audio, SAMPLE_RATE, subtype="PCM_16")
    _midi_file(score).save(unfinished / "song.mid")
    meta = _metadata(score, seed, index, list(stems))
    if held_out:
        meta["held_out"] = True
    text = json.dumps(meta, indent=1)
    (unfinished / "meta.json").write_text(text + "\n", encoding="utf-8")
    target.parent.mkdir(exist_ok=True)
    unfinished.rename(target)
    return len(stems) * score.samples / SAMPLE_RATE


def _metadata(score: Score, seed: int, index: int, names: list[str]) -> dict[str, Any]:
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
        "stems": {
            f"{part.name}.flac": {
                "instrument": part.instrument,
                "program": part.program,
                "font": part.font,
                "part": part.name,
            }
            for part in score.parts
            if part.name in names
        },
    }


def _midi_file(score: Score) -> mido.MidiFile:
    """The song as played, one track a part, bar 0 at tick 0."""
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / score.form.tempo)))
    midi.tracks.append(head)
    ticks_per_s = score.form.tempo / 60.0 * TICKS_PER_BEAT
    channels = iter(channel for channel in range(16) if channel != DRUM_CHANNEL)
    for part, strikes in zip(score.parts, score.strikes, strict=True):
        channel = DRUM_CHANNEL if part.drums else next(channels)
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=part.name))
        track.append(mido.Message("program_change", channel=channel, program=part.program))
        events = []
        for strike in strikes:
            start = round(strike.start_s * ticks_per_s)
            end = max(start + 1, round(strike.end_s * ticks_per_s))
            events.append((start, True, strike.pitch, strike.velocity))
            events.append((end, False, strike.pitch, 0))
        before = 0
        for tick, on, pitch, velocity in sorted(events):
            kind = "note_on" if on else "note_off"
            track.append(
                mido.Message(
                    kind, channel=channel, note=pitch, velocity=velocity, time=tick - before
                )
            )
            before = tick
        midi.tracks.append(track)
    return midi
