"""A band set from multitrack MIDI files: music that people wrote and played.

Songs with a steady tempo in 4/4 are cut at bar lines into pieces, played with the sound fonts of
the synthetic band in a few variations, and written as that band's songs are.
"""

from __future__ import annotations

from training.midi.build import build_midi_band

__all__ = ["build_midi_band"]
