"""From what the parts play to stems in balance, and a song's folder on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray

from training.band.effects import SILENCE, add_effects, set_level
from training.band.fluidsynth import (
    CHANNELS,
    DRUM_CHANNEL,
    SAMPLE_RATE,
    Control,
    FontSynth,
    Player,
)
from training.band.fonts import FONTS, HELD_OUT_FONTS
from training.band.humanise import Strike
from training.band.parts import Part

TAIL_S = 1.0
"""Seconds after the last bar line."""
PEAK = 0.9
TICKS_PER_BEAT = 480
UNFINISHED = ".unfinished"
"""Folder in the set where songs are written before they are moved to their split."""

Stems = dict[str, NDArray[np.float32]]
"""Audio by part name: float32 [samples] within ±1, 32 kHz."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one MIDI channel plays of a part."""

    strikes: tuple[Strike, ...]
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Performance:
    """A part as it is played; its lines sound together as one stem."""

    part: Part
    lines: tuple[Line, ...]


@lru_cache(maxsize=len(FONTS) + len(HELD_OUT_FONTS))
def _synth(font: str) -> FontSynth:
    """The process's synthesiser for a font; loading one takes seconds."""
    return FontSynth({**FONTS, **HELD_OUT_FONTS}[font].path)


def load_fonts() -> None:
    """Load the fonts of a training set (some 0.8 GB) now instead of at the first song."""
    for font in FONTS:
        _synth(font)


def render_stems(
    rng: np.random.Generator, performances: Sequence[Performance], samples: int
) -> Stems:
    """Play every part, with effects and levels by chance; silent ones are left out.

    Stems keep their balance: one gain brings the loudest stem or the sum below the ceiling.
    """
    dry: Stems = {}
    for font in sorted({performance.part.font for performance in performances}):
        chosen = [performance for performance in performances if performance.part.font == font]
        dry.update(_play(font, chosen, samples))
    stems: Stems = {}
    for part in (performance.part for performance in performances):
        wet = add_effects(rng, dry[part.name], part.family)
        wet = set_level(rng, wet, part.family, part.name == "lead")
        if np.abs(dry[part.name]).max() > SILENCE:
            stems[part.name] = wet
    mix = np.sum(list(stems.values()), axis=0)
    loudest = max(float(np.abs(audio).max()) for audio in (mix, *stems.values()))
    gain = np.float32(min(1.0, PEAK / loudest))
    return {name: audio * gain for name, audio in stems.items()}


def _play(font: str, performances: Sequence[Performance], samples: int) -> Stems:
    """The dry sound of the parts that have one font."""
    keys = {**FONTS, **HELD_OUT_FONTS}[font].keys
    channels = iter(channel for channel in range(CHANNELS) if channel != DRUM_CHANNEL)
    voices: list[Player] = []
    owners: list[str] = []
    for performance in performances:
        part = performance.part
        for line in performance.lines:
            if keys is not None:
                # A font that is one drum kit has it where others have a piano.
                played = _on_kit(line.strikes, keys)
                voices.append(Player(next(channels), 0, played, line.controls))
            else:
                channel = DRUM_CHANNEL if part.drums else next(channels)
                voices.append(Player(channel, part.program, line.strikes, line.controls))
            owners.append(part.name)
    stems: Stems = {}
    for name, row in zip(owners, _synth(font).render(voices, samples), strict=True):
        stems[name] = stems[name] + row if name in stems else row
    return stems


def _on_kit(strikes: tuple[Strike, ...], keys: Any) -> tuple[Strike, ...]:
    """Strikes of General MIDI drums on the keys of a kit; those it lacks are left out."""
    return tuple(
        Strike(strike.start_s, strike.end_s, keys[strike.pitch], strike.velocity)
        for strike in strikes
        if strike.pitch in keys
    )


def store_song(
    out: Path,
    target: Path,
    stems: Stems,
    meta: dict[str, Any],
    tempo: float,
    performances: Sequence[Performance],
) -> None:
    """Write a song's folder; it appears at `target` only when it is complete.

    Until then it is in `UNFINISHED` of `out`.
    """
    unfinished = out / UNFINISHED / target.name
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, audio in stems.items():
        path = unfinished / f"{name}.flac"
        soundfile.write(path, audio, SAMPLE_RATE, subtype="PCM_16")
    _midi_file(tempo, performances).save(unfinished / "song.mid")
    text = json.dumps(meta, indent=1)
    (unfinished / "meta.json").write_text(text + "\n", encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished.rename(target)


def stem_metadata(performances: Sequence[Performance], stems: Stems) -> dict[str, dict[str, Any]]:
    """The `stems` of a song's `meta.json`: instrument class, program, font and part by file."""
    return {
        f"{part.name}.flac": {
            "instrument": part.instrument,
            "program": part.program,
            "font": part.font,
            "part": part.name,
        }
        for part in (performance.part for performance in performances)
        if part.name in stems
    }


def _midi_file(tempo: float, performances: Sequence[Performance]) -> mido.MidiFile:
    """The notes as played, one track a line, bar 0 at tick 0."""
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo)))
    midi.tracks.append(head)
    channels = iter(channel for channel in range(CHANNELS) if channel != DRUM_CHANNEL)
    for performance in performances:
        part = performance.part
        for line in performance.lines:
            channel = DRUM_CHANNEL if part.drums else next(channels)
            midi.tracks.append(_midi_track(part, line.strikes, channel, tempo))
    return midi


def _midi_track(
    part: Part, strikes: tuple[Strike, ...], channel: int, tempo: float
) -> mido.MidiTrack:
    ticks_per_s = tempo / 60.0 * TICKS_PER_BEAT
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
            mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - before)
        )
        before = tick
    return track
