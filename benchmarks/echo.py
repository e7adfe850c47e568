"""How much of a leak the echo guard takes away: `python -m benchmarks.echo [SONGS]`.

Stems of real recordings leak into others, through a loudspeaker and a short room, while the band
plays. It prints the echo return loss enhancement, and what is taken away where nothing leaks.
"""

from __future__ import annotations

import sys

import numpy as np

from companion.audio.echo import BLOCK_S
from tests.companion.audio.test_echo import RATE, Stage, clean, leak, power_db, recording

SONGS = (
    ("rock-095.ogg", "rock-095.guitar.ogg"),
    ("metal-135.ogg", "metal-135.guitar.ogg"),
    ("caves-113.ogg", "rock-095.guitar.ogg"),
    ("crossroads-090.ogg", "metal-135.guitar.ogg"),
)


def main() -> None:
    """The enhancement for each song and level."""
    for name, stem_name in SONGS[: int(sys.argv[1]) if len(sys.argv) > 1 else None]:
        mix, stem = recording(name), recording(stem_name)
        for level_db in (-6.0, -12.0, -20.0):
            echo = leak(stem, mix, level_db)
            left = clean(Stage(mix + echo, stem)) - mix
            after = slice(round(BLOCK_S * RATE), None)
            erle_db = power_db(echo[after]) - power_db(left[after])
            print(f"{name} with {stem_name} at {level_db:g} dB: ERLE {erle_db:.1f} dB", flush=True)
        harm = power_db(clean(Stage(mix, stem)) - mix.astype(np.float32)) - power_db(mix)
        print(
            f"{name} beside {stem_name}, no leak: {harm:.1f} dB of the mix taken away", flush=True
        )


if __name__ == "__main__":
    main()
