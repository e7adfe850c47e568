"""Run the arranger MMA on a chart and read back the notes of its tracks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mido

from training.band.form import BEATS_PER_BAR, Form
from training.errors import TrainingError

DRUM_CHANNEL = 9


@dataclass(frozen=True, slots=True)
class Note:
    """One note: start and length in beats from bar 0, MIDI pitch, velocity 1..127."""

    beat: float
    beats: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Track:
    """A track as MMA wrote it; `program` is the first General MIDI program it plays."""

    name: str
    program: int
    drums: bool
    notes: tuple[Note, ...]


class ChartError(Exception):
    """MMA would not play a chart; another one may do."""


def find_mma() -> str:
    """Path of the `mma` program; TrainingError if it is not installed."""
    path = shutil.which("mma")
    if path is None:
        raise TrainingError("the arranger 'mma' is not installed: apt-get install mma")
    return path


def chart_text(form: Form, seed: int) -> str:
    """The form as a chart in MMA's language; `seed` fixes MMA's own random numbers."""
    lines = [f"RndSeed {seed}", f"Tempo {round(form.tempo)}"]
    chords: dict[int, dict[int, str]] = {}
    for entry in form.chords:
        chords.setdefault(entry.bar, {})[entry.beat] = entry.chord.name
    playing = None
    for section in form.sections:
        for bar in range(section.first_bar, section.first_bar + section.bars):
            last = bar == section.first_bar + section.bars - 1
            groove = section.fill if last and section.fill else section.groove
            if groove != playing:
                lines.append(f"Groove {form.style.file}:{groove}")
                playing = groove
            names = [chords[bar].get(beat, "/") for beat in range(BEATS_PER_BAR)]
            lines.append(f"{bar + 1} {' '.join(names)}")
    return "\n".join(lines) + "\n"


def play_chart(chart: str) -> tuple[Track, ...]:
    """Let MMA play a chart. Tracks that hold no note are left out.

    Raises ChartError with MMA's last words if it refuses the chart.
    """
    program = find_mma()
    # Python's hash seed is fixed so that MMA's own order of things is too.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory(prefix="band-") as folder:
        source, target = Path(folder, "chart.mma"), Path(folder, "chart.mid")
        source.write_text(chart, encoding="utf-8")
        done = subprocess.run(
            [program, "-w", "-xNOCREDIT", "-f", str(target), str(source)],
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            check=False,
        )
        if not target.exists():
            words = re.sub(r"\s+", " ", done.stdout + done.stderr).strip()
            error = words.rpartition("Error: ")[2]
            raise ChartError(f"mma refused the chart: {error[-200:]}")
        midi = mido.MidiFile(target)
    tracks = [_read_track(track, midi.ticks_per_beat) for track in midi.tracks]
    return tuple(track for track in tracks if track.notes)


def _read_track(track: mido.MidiTrack, ticks_per_beat: int) -> Track:
    tick = 0
    program: int | None = None
    channel = 0
    open_notes: dict[int, list[tuple[int, int]]] = {}
    notes: list[Note] = []
    for message in track:
        tick += message.time
        if message.type == "program_change" and not notes and not open_notes:
            program = message.program
        elif message.type == "note_on" and message.velocity > 0:
            channel = message.channel
            open_notes.setdefault(message.note, []).append((tick, message.velocity))
        elif message.type in ("note_on", "note_off") and open_notes.get(message.note):
            start, velocity = open_notes[message.note].pop(0)
            length = max(1, tick - start) / ticks_per_beat
            notes.append(Note(start / ticks_per_beat, length, message.note, velocity))
    notes.sort(key=lambda note: (note.beat, note.pitch))
    return Track(track.name, program or 0, channel == DRUM_CHANNEL, tuple(notes))
