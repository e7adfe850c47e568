from __future__ import annotations

from collections.abc import Iterator

import pytest

from training.band.fluidsynth import FontSynth
from training.band.fonts import FONTS


@pytest.fixture(scope="session")
def fluid() -> Iterator[FontSynth]:
    """The smaller of the two fonts, loaded once."""
    synth = FontSynth(FONTS["fluid"].path)
    yield synth
    synth.close()
    synth.close()
