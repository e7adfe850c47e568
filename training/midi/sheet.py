"""What a MIDI file says, in beats: who plays what, at which tempo and in which meter."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import mido
from mido.midifiles.meta import KeySignatureError

from training.band.fluidsynth import DRUM_CHANNEL, PITCH_BEND
from training.band.mma import Note

DEFAULT_TEMPO = 120.0
"""What a MIDI file has that names no tempo."""
CONTROLS = frozenset({1, 6, 7, 11, 38, 64, 100, 101})
"""Controllers that are played: modulation, volume, expression, pedal, and the range of bends."""


class Unfit(Exception):
    """A song cannot be used; the message says why, to go on a sentence that names it."""


@dataclass(frozen=True, slots=True)
class Move:
    """A controller moves: the beat, its number or `PITCH_BEND`, its value."""

    beat: float
    number: int
    value: int


@dataclass(frozen=True, slots=True)
class Voicing:
    """What one channel plays on one program (drums: kit): notes and moves, by beat."""

    channel: int
    program: int
    notes: tuple[Note, ...]
    moves: tuple[Move, ...]

    @property
    def drums(self) -> bool:
        """Whether it is the drum channel of General MIDI, the tenth."""
        return self.channel == DRUM_CHANNEL


@dataclass(frozen=True, slots=True)
class Sheet:
    """A song.

    Attributes:
        voicings: by channel, then program.
        tempos: beats a minute from a beat on; the first is from beat 0.
        meters: numerator and denominator from a beat on; none where the file names none.
        end: its last beat.
    """

    voicings: tuple[Voicing, ...]
    tempos: tuple[tuple[float, float], ...]
    meters: tuple[tuple[float, int, int], ...]
    end: float

    @property
    def seconds(self) -> float:
        """Its length at the tempos written."""
        ends = [beat for beat, _ in self.tempos[1:]] + [self.end]
        return sum(
            max(0.0, min(end, self.end) - beat) * 60 / tempo
            for (beat, tempo), end in zip(self.tempos, ends, strict=True)
        )


def read_sheet(content: bytes) -> Sheet:
    """Read a MIDI file.

    Raises:
        Unfit: it cannot be read, or is not one song counted in beats.
    """
    try:
        midi = mido.MidiFile(file=io.BytesIO(content), clip=True)
    except (EOFError, OSError, ValueError, LookupError, TypeError, KeySignatureError) as error:
        raise Unfit("is not readable as MIDI") from error
    if midi.type == 2:
        raise Unfit("is a collection of patterns (MIDI type 2)")
    if not 0 < midi.ticks_per_beat < 0x8000:
        raise Unfit("counts time in film frames, not beats")
    reading = _Reading()
    tick = 0
    for message in mido.merge_tracks(midi.tracks):
        tick += message.time
        reading.hear(message, tick / midi.ticks_per_beat)
    return reading.sheet(tick / midi.ticks_per_beat)


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    tempos: dict[float, float] = field(default_factory=lambda: {0.0: DEFAULT_TEMPO})
    meters: dict[float, tuple[int, int]] = field(default_factory=dict)
    programs: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    notes: dict[tuple[int, int], list[Note]] = field(default_factory=lambda: defaultdict(list))
    moves: dict[int, list[Move]] = field(default_factory=lambda: defaultdict(list))
    struck: dict[tuple[int, int], tuple[float, int, int]] = field(default_factory=dict)
    """By channel and pitch: beat, velocity and program of a note that sounds."""

    def hear(self, message: Any, beat: float) -> None:
        kind = message.type
        if kind == "set_tempo" and message.tempo > 0:
            self.tempos[beat] = 60e6 / message.tempo
        elif kind == "time_signature":
            self.meters[beat] = (message.numerator, message.denominator)
        elif kind == "program_change":
            self.programs[message.channel] = message.program
        elif kind == "note_on" and message.velocity > 0:
            self.release(message.channel, message.note, beat)
            program = self.programs[message.channel]
            self.struck[message.channel, message.note] = (beat, message.velocity, program)
        elif kind in ("note_on", "note_off"):
            self.release(message.channel, message.note, beat)
        elif kind == "control_change" and message.control in CONTROLS:
            self.moves[message.channel].append(Move(beat, message.control, message.value))
        elif kind == "pitchwheel":
            self.moves[message.channel].append(Move(beat, PITCH_BEND, message.pitch + 8192))

    def release(self, channel: int, pitch: int, beat: float) -> None:
        if (channel, pitch) in self.struck:
            start, velocity, program = self.struck.pop((channel, pitch))
            note = Note(start, max(1e-3, beat - start), pitch, velocity)
            self.notes[channel, program].append(note)

    def sheet(self, end: float) -> Sheet:
        for channel, pitch in list(self.struck):
            self.release(channel, pitch, end)
        voicings = [
            Voicing(
                channel,
                program,
                tuple(sorted(notes, key=lambda note: (note.beat, note.pitch))),
                tuple(self.moves[channel]),
            )
            for (channel, program), notes in sorted(self.notes.items())
        ]
        return Sheet(
            tuple(voicings),
            tuple(sorted(self.tempos.items())),
            tuple((beat, *meter) for beat, meter in sorted(self.meters.items())),
            end,
        )
