"""The tempo map of a take as a MIDI file, which any workstation reads.

Its tick 0 is the first sample of the take's files.
"""

from __future__ import annotations

from pathlib import Path

import mido

from companion.take.tempo_map import TempoMap

TICKS_PER_BEAT = 960
CLOCKS_PER_QUARTER = 24
ASTRAY_S = 0.000_05
"""A tempo event is written where the beat would else be further off than this: MIDI's tempi are
whole microseconds a beat, so small errors would add up."""


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
