"""Rig presets, one YAML file each; installed as `companion.presets`."""
