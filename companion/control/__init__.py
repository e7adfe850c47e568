"""Knobs, and what turns them: `parameters` is the one table, `store` the values.

Presets (`preset`, YAML), MIDI controllers (`midi`) and OSC messages (`osc`) all write to the store;
`osc_out` sends, `midi_port` has MIDI's ports. Every packet of the network is taken apart with care
in `osc_packet`.
"""
