"""Small MIDI files made on the spot: a band of three that plays the same bar again and again."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path

import mido
import pytest

TICKS = 480
Played = tuple[float, float, int]
"""Beat, length in beats, pitch."""


def riff(pitch: int, bars: int, beats_per_bar: int = 4, first: float = 0.0) -> list[Played]:
    """A note on each beat; the first of a bar is a fifth higher."""
    return [
        (first + beat, 0.9, pitch + 7 * (beat % beats_per_bar == 0))
        for beat in range(bars * beats_per_bar)
    ]


def midi_bytes(
    channels: dict[int, tuple[int, Iterable[Played]]],
    tempos: Iterable[tuple[float, float]] = ((0.0, 120.0),),
    meters: Iterable[tuple[float, int, int]] = ((0.0, 4, 4),),
    extra: Iterable[tuple[float, mido.Message]] = (),
    kind: int = 1,
) -> bytes:
    """A MIDI file: program and notes by channel, tempos and meters by beat, other messages."""
    head: list[tuple[float, mido.Message | mido.MetaMessage]] = [
        (beat, mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo))) for beat, tempo in tempos
    ]
    head += [
        (beat, mido.MetaMessage("time_signature", numerator=n, denominator=d))
        for beat, n, d in meters
    ]
    tracks = [head, list(extra)]
    for channel, (program, notes) in channels.items():
        events = [(0.0, mido.Message("program_change", channel=channel, program=program))]
        for beat, beats, pitch in notes:
            events.append((beat, mido.Message("note_on", channel=channel, note=pitch, velocity=90)))
            events.append((beat + beats, mido.Message("note_off", channel=channel, note=pitch)))
        tracks.append(events)
    midi = mido.MidiFile(type=kind, ticks_per_beat=TICKS)
    for events in tracks:
        track = mido.MidiTrack()
        before = 0
        for beat, message in sorted(events, key=lambda event: event[0]):
            tick = round(beat * TICKS)
            track.append(message.copy(time=tick - before))
            before = tick
        midi.tracks.append(track)
    file = io.BytesIO()
    midi.save(file=file)
    return file.getvalue()


def trio(bars: int = 32, beats_per_bar: int = 4, first: float = 0.0, up: int = 0) -> dict:
    """Drums, bass and piano."""
    return {
        9: (0, riff(36, bars, beats_per_bar, first)),
        1: (33, riff(40 + up, bars, beats_per_bar, first)),
        2: (0, riff(60 + up, bars, beats_per_bar, first)),
    }


def wad_bytes(lumps: dict[str, bytes]) -> bytes:
    """A WAD file."""
    body, entries, at = b"", b"", 12
    for name, content in lumps.items():
        entries += struct.pack("<ii8s", at, len(content), name.encode())
        body += content
        at += len(content)
    return b"PWAD" + struct.pack("<ii", len(lumps), at) + body + entries


@pytest.fixture(scope="session")
def songs_folder(tmp_path_factory) -> Path:
    """Two songs that can be used (one of them twice, under two names), and four that cannot."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "One.mid").write_bytes(midi_bytes(trio()))
    (folder / "the same.mid").write_bytes(midi_bytes(trio(), meters=()))
    (folder / "two.midi").write_bytes(midi_bytes(trio(up=2), tempos=[(0.0, 100.0)]))
    (folder / "waltz.mid").write_bytes(midi_bytes(trio(48, 3), meters=[(0.0, 3, 4)]))
    (folder / "broken.mid").write_bytes(b"MThd and no more")
    short = {"D_SHORT": midi_bytes(trio(8)), "TEXTURE": b"no music", "D_MUS": b"MUS\x1a" + b"0" * 9}
    (folder / "game.WAD").write_bytes(wad_bytes(short))
    return folder
