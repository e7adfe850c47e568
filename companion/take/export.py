"""`companion export`: a take for a workstation, on its grid."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import mido

from companion.clock.meter import METERS
from companion.system.errors import CompanionError
from companion.system.printing import printable
from companion.system.whole import new_folder
from companion.take.dawproject import write_dawproject
from companion.take.events import EVENTS_FILE, TakeEnded, read_events, start_of
from companion.take.recorder import INPUT_NAME, STEREO_NAME, channels_of
from companion.take.tempo_map import TempoMap, tempo_map
from companion.take.wave_file import length_s

TEMPO_FILE = "tempo.mid"
PROJECT_ENDING = ".dawproject"
TICKS_PER_BEAT = 960
CLOCKS_PER_QUARTER = 24
ASTRAY_S = 0.000_05
"""A tempo event is written where the beat would else be further off than this: MIDI's tempi are
whole microseconds a beat, so small errors would add up."""
LONGEST_NAME = 255
"""Bytes of a file's name, with the usual file systems."""


def export(take: Path, folder: Path, version: str) -> list[Path]:
    """Write a take's WAV files, `tempo.mid` and a DAWproject into a folder; returns them.

    The WAV files begin at tick 0 of `tempo.mid`. An input of two channels is there as these.

    Args:
        take: its folder.
        folder: made if it is not there; files in it are not overwritten. All files are written,
            or none.
        version: of the companion.

    Raises:
        CompanionError: it holds no take that has ended, or a file is there already, or cannot be
            written.
    """
    events = read_events(take / EVENTS_FILE)
    begun = start_of(events)
    if begun is None or not isinstance(events[-1], TakeEnded):
        raise CompanionError(
            f"take {str(take)!r} has no end; valid: one that was ended, or recovered by "
            "`companion recover`"
        )
    sources = {name: take / f"{name}.wav" for name in (INPUT_NAME, *begun.players)}
    if (stereo := take / f"{STEREO_NAME}.wav").exists():
        sources[INPUT_NAME] = stereo
    seconds = _length_s(sources)
    meter = METERS[begun.meter]
    tempo = tempo_map(begun, events).in_quarters(meter)
    title = take.resolve().name
    project = project_file(title)
    names = [source.name for source in sources.values()]
    written = [*names, TEMPO_FILE, project]
    with new_folder(folder, written) as new:
        copies = {name: new / source.name for name, source in sources.items()}
        for name, copy in copies.items():
            shutil.copyfile(sources[name], copy)
        title = printable(title)
        write_tempo_midi(new / TEMPO_FILE, title, tempo, meter.name, seconds)
        kind = meter.name, begun.rate, seconds
        tracks = {name: (copy, channels_of(copy.stem)) for name, copy in copies.items()}
        write_dawproject(new / project, title, version, tracks, tempo, *kind)
    return [folder / name for name in written]


def project_file(title: str) -> str:
    """What the DAWproject of a title is called, as far as a disk has room for it."""
    while len(os.fsencode(title)) + len(PROJECT_ENDING) > LONGEST_NAME:
        title = title[:-1]
    return title + PROJECT_ENDING


def _length_s(sources: dict[str, Path]) -> float:
    lengths = {path.name: length_s(path) for path in sources.values()}
    if len(set(lengths.values())) > 1:
        raise CompanionError(
            f"the files of the take are not equally long ({lengths}); valid: a take recovered by "
            "`companion recover`"
        )
    return next(iter(lengths.values()))


def write_tempo_midi(path: Path, title: str, tempo: TempoMap, meter: str, seconds: float) -> None:
    """Write tempo and meter ("6/8"), and a marker at bar 0; OSError if the disk fails.

    The tempo map is to count quarter notes.
    """
    numerator, denominator = map(int, meter.split("/"))
    first, step = tempo.first_beat, tempo.step
    beats = max(1, round((tempo.beat_at(seconds) - first) / step))
    metre = {"numerator": numerator, "denominator": denominator}
    clicks = round(CLOCKS_PER_QUARTER * step)
    found = [  # with the tick of each in place of the ticks since the one before it
        mido.MetaMessage("track_name", name=title),
        mido.MetaMessage("time_signature", **metre, clocks_per_click=clicks),
        mido.MetaMessage("marker", text="bar 0", time=round(-first * TICKS_PER_BEAT)),
    ]
    at_s, current = 0.0, 0
    for beat in range(beats):
        due_s = tempo.time_s(first + (beat + 1) * step)
        if abs(at_s + current * step / 1e6 - due_s) > ASTRAY_S:
            current = max(1, round((due_s - at_s) * 1e6 / step))
            tick = round(beat * step * TICKS_PER_BEAT)
            found.append(mido.MetaMessage("set_tempo", tempo=current, time=tick))
        at_s += current * step / 1e6
    track = mido.MidiTrack()
    ticks = 0
    for message in sorted(found, key=lambda each: each.time):
        track.append(message.copy(time=message.time - ticks))
        ticks = message.time
    end = round(beats * step * TICKS_PER_BEAT)
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - ticks)))
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    file.tracks.append(track)
    file.save(str(path))
