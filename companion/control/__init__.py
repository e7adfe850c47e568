"""Knobs, and what turns them: `parameters` is the one table, `store` the values.

Presets (`preset`, YAML), MIDI controllers (`midi`) and OSC messages (`osc`) all write to the store;
`osc_out` and `midi_output` send. Every network input is taken apart with care in `osc_packet`.
"""
