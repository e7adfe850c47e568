"""A preset that was written down reads as the same preset."""

from __future__ import annotations

import pytest

from companion.control.preset import Preset, bundled_presets, load_preset, parse_preset
from companion.control.preset_text import preset_text

FULL = """
bpm: 95.5
bars: 64
count_in_bars: 2
meter: 6/8
cycle: 8
monitor: -12.5
players:
  - {name: left-hand, instrument: bass, guidance_audio: 2.5, level: -3.0, mute: true}
  - {name: "on", instrument: strings, guidance_form: product, steps: 12}
  - {name: third, sound: mine/third.wav}
  - {name: fourth, sound: 4}
chords: [Am F, G7/B, "%"]
presets: [jazz-trio, mine/chorus.yaml]
midi:
  keyboard: Keystation
  port: nanoKONTROL
  clock_out: true
  map:
    - {cc: 1, parameter: temperature, player: "on", channel: 1}
    - {cc: 2, parameter: mute, player: "*"}
    - {cc: 3, parameter: cycle}
osc: {port: 9001, peers: [192.168.1.20], query: 9005}
audio: {input: USB Audio, output: 3, rate: 48000, block: 128}
generator: {name: standin, device: cpu, in_process: true}
"""


def presets() -> list[Preset]:
    bundled = [load_preset(name) for name in bundled_presets()]
    return [*bundled, parse_preset(FULL, "full.yaml"), parse_preset("players: [{name: a}]", "a")]


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_it_reads_as_the_same_preset(preset: Preset) -> None:
    assert parse_preset(preset_text(preset), f"{preset.name}.yaml") == preset
