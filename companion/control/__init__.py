"""Knobs: one table, one store, and what turns them: presets, MIDI, OSC."""
