"""Knobs, and what turns them: `parameters` is the one table, `store` the values.

Presets (`preset`, YAML), MIDI controllers (`midi`) and OSC messages (`osc`) all write to the store;
`osc_out` sends, `midi_ports` has MIDI's ports, `midi_feedback` tells controllers where their knobs
are. Which control turns which knob is a `midi_mapping`, which `learn` makes and `yaml_edit` writes
into a preset's file. Every packet of the network is taken apart with care in `osc_packet`, every
MIDI message in `midi_message`.
"""
