"""FluidSynth through ctypes: one pass a sound font, one mono buffer per channel."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.band.humanise import Strike
from training.errors import TrainingError

SAMPLE_RATE = 32000
BLOCK = 64
"""FluidSynth's own block in samples: a note starts on the nearest multiple of it (±1 ms)."""
CHANNELS = 16
DRUM_CHANNEL = 9


PITCH_BEND = -1
"""The `number` of a `Control` that bends the pitch: value 0..16383, 8192 is unbent."""


@dataclass(frozen=True, slots=True)
class Control:
    """A MIDI controller moves: seconds from bar 0, its number 0..127 or `PITCH_BEND`, value."""

    at_s: float
    number: int
    value: int


@dataclass(frozen=True, slots=True)
class Player:
    """What one channel plays: General MIDI program (or kit), notes, moves of controllers."""

    channel: int
    program: int
    strikes: tuple[Strike, ...]
    controls: tuple[Control, ...] = ()


@lru_cache(maxsize=1)
def check_library() -> Any:
    """Load libfluidsynth, silenced; TrainingError if it is not installed."""
    name = ctypes.util.find_library("fluidsynth")
    if name is None:
        raise TrainingError("the library libfluidsynth is missing: apt-get install libfluidsynth3")
    library = ctypes.CDLL(name)
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "new_fluid_settings": (pointer, []),
        "new_fluid_synth": (pointer, [pointer]),
        "delete_fluid_synth": (None, [pointer]),
        "delete_fluid_settings": (None, [pointer]),
        "fluid_settings_setnum": (integer, [pointer, ctypes.c_char_p, ctypes.c_double]),
        "fluid_settings_setint": (integer, [pointer, ctypes.c_char_p, integer]),
        "fluid_synth_sfload": (integer, [pointer, ctypes.c_char_p, integer]),
        "fluid_synth_system_reset": (integer, [pointer]),
        "fluid_synth_program_change": (integer, [pointer, integer, integer]),
        "fluid_synth_noteon": (integer, [pointer, integer, integer, integer]),
        "fluid_synth_noteoff": (integer, [pointer, integer, integer]),
        "fluid_synth_cc": (integer, [pointer, integer, integer, integer]),
        "fluid_synth_pitch_bend": (integer, [pointer, integer, integer]),
        "fluid_synth_get_sfont_by_id": (pointer, [pointer, integer]),
        "fluid_synth_add_sfont": (integer, [pointer, pointer]),
        "fluid_synth_remove_sfont": (integer, [pointer, pointer]),
        "fluid_synth_process": (integer, [pointer, integer, integer, pointer, integer, pointer]),
        "fluid_set_log_function": (pointer, [integer, pointer, pointer]),
    }
    for function, (result, arguments) in signatures.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    for level in range(1, 5):  # everything below panic is silenced
        library.fluid_set_log_function(level, None, None)
    return library


class FontSynth:
    """One sound font in memory, played by a fresh synthesiser for every `render`.

    A synthesiser keeps traces of what it played before, also after a reset, so it is used
    once; making one takes a millisecond, loading the font seconds. Reverb and chorus are off.
    """

    def __init__(self, font: Path) -> None:
        self._library = check_library()
        self._settings = self._library.new_fluid_settings()
        numbers = {b"synth.sample-rate": float(SAMPLE_RATE), b"synth.gain": 0.6}
        for name, number in numbers.items():
            self._library.fluid_settings_setnum(self._settings, name, number)
        integers = {
            b"synth.audio-channels": CHANNELS,
            b"synth.audio-groups": CHANNELS,
            b"synth.reverb.active": 0,
            b"synth.chorus.active": 0,
            b"synth.polyphony": 512,
            b"synth.threadsafe-api": 0,
            b"synth.lock-memory": 0,
        }
        for name, integer in integers.items():
            self._library.fluid_settings_setint(self._settings, name, integer)
        # This one only holds the font and never plays.
        self._holder = self._library.new_fluid_synth(self._settings)
        number = self._library.fluid_synth_sfload(self._holder, str(font).encode(), 1)
        if number < 0:
            raise TrainingError(f"cannot read sound font {font}: not a .sf2 or .sf3 file")
        self._font = self._library.fluid_synth_get_sfont_by_id(self._holder, number)

    def close(self) -> None:
        """Free the font and its holder. Idempotent."""
        if self._holder is not None:
            self._library.delete_fluid_synth(self._holder)
            self._library.delete_fluid_settings(self._settings)
            self._holder = None

    def render(self, voices: Sequence[Player], samples: int) -> NDArray[np.float32]:
        """Play the voices; float32 [len(voices), samples], the mean of left and right."""
        blocks = -(-samples // BLOCK)
        audio = np.zeros((len(voices), blocks * BLOCK), np.float32)
        synth = self._library.new_fluid_synth(self._settings)
        self._library.fluid_synth_add_sfont(synth, self._font)
        try:
            self._play(synth, voices, audio)
        finally:
            self._library.fluid_synth_system_reset(synth)
            self._library.fluid_synth_remove_sfont(synth, self._font)
            self._library.delete_fluid_synth(synth)
        return audio[:, :samples] * np.float32(0.5)

    def _play(self, synth: int, voices: Sequence[Player], audio: NDArray[np.float32]) -> None:
        blocks = audio.shape[1] // BLOCK
        for voice in voices:
            self._library.fluid_synth_program_change(synth, voice.channel, voice.program)
        rows = {voice.channel: row for row, voice in enumerate(voices)}
        position = 0
        for block, event, channel, number, value in _events(voices, blocks):
            if block > position:
                self._process(synth, audio, rows, position, block)
                position = block
            if event == _ON:
                self._library.fluid_synth_noteon(synth, channel, number, value)
            elif event == _OFF:
                self._library.fluid_synth_noteoff(synth, channel, number)
            elif number == PITCH_BEND:
                self._library.fluid_synth_pitch_bend(synth, channel, value)
            else:
                self._library.fluid_synth_cc(synth, channel, number, value)
        self._process(synth, audio, rows, position, blocks)

    def _process(
        self,
        synth: int,
        audio: NDArray[np.float32],
        rows: dict[int, int],
        first: int,
        last: int,
    ) -> None:
        """Add blocks [first, last) to `audio`; channels without a row are thrown away."""
        count = (last - first) * BLOCK
        waste = np.zeros(count, np.float32)
        targets = np.full(2 * CHANNELS, waste.ctypes.data, np.uintp)
        for channel, row in rows.items():
            # Left and right share a buffer: FluidSynth adds to what is there.
            targets[2 * channel : 2 * channel + 2] = audio[row, first * BLOCK :].ctypes.data
        self._library.fluid_synth_process(synth, count, 0, None, len(targets), targets.ctypes.data)


_CONTROL, _OFF, _ON = range(3)
"""In this order within a block: a note sounds as its channel is set."""

_Event = tuple[int, int, int, int, int]
"""Block, kind of event, channel, pitch or number of the controller, velocity or value."""


def _events(voices: Sequence[Player], blocks: int) -> list[_Event]:
    """Every event before the end; controllers of one block stay in the order they came in.

    A note that is struck again while it sounds is released first.
    """
    notes: list[_Event] = []
    controls: list[_Event] = []
    for voice in voices:
        for control in voice.controls:
            block = round(control.at_s * SAMPLE_RATE / BLOCK)
            controls.append((block, _CONTROL, voice.channel, control.number, control.value))
        sounding: dict[int, int] = {}
        for strike in voice.strikes:
            start = round(strike.start_s * SAMPLE_RATE / BLOCK)
            end = max(start + 1, round(strike.end_s * SAMPLE_RATE / BLOCK))
            if start >= blocks:
                continue
            before = sounding.get(strike.pitch)
            if before is not None and before > start:
                notes.remove((before, _OFF, voice.channel, strike.pitch, 0))
                notes.append((start, _OFF, voice.channel, strike.pitch, 0))
            sounding[strike.pitch] = end
            notes.append((start, _ON, voice.channel, strike.pitch, strike.velocity))
            notes.append((end, _OFF, voice.channel, strike.pitch, 0))
    # Notes still held at the end of the song ring on into its tail and are cut with it.
    ordered = sorted(controls, key=lambda event: event[:2]) + sorted(notes)
    ordered.sort(key=lambda event: event[:2])
    return [event for event in ordered if event[0] < blocks]
