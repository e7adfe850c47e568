"""A synthetic band with known tempo, bars, chords and instruments.

Grooves and chord charts go through the arranger MMA to multitrack MIDI and through
FluidSynth, with several sound fonts, to stems.
"""

from __future__ import annotations

from training.band.build import build_band

__all__ = ["build_band"]
