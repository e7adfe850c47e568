"""Play along a recording from Python: ``python examples/render_from_python.py MUSIC BPM STEM``."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from companion.control.preset import parse_preset
from companion.session.render import render

PRESET = """
players:
  - {name: bass, instrument: bass}
generator: {name: model}
"""


def main(music: str, bpm: str, stem: str, preset: str = PRESET) -> None:
    """The bundled model plays bass along the music; the stem is as long as the music."""
    session = render(
        Path(music), parse_preset(preset, "bass.yaml"), Fraction(bpm), Path(stem), seed=1
    )
    print(f"{stem}: {session.transport.bar_samples / session.rig.rate} s a bar")


if __name__ == "__main__":
    main(*sys.argv[1:])
