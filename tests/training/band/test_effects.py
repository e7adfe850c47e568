from __future__ import annotations

import numpy as np
import pytest

from training.band.effects import LEAD_LEVEL_DB, LEVELS_DB, add_effects, set_level


def _tone(samples: int = 64000) -> np.ndarray:
    return (0.1 * np.sin(np.arange(samples) * 0.05)).astype(np.float32)


@pytest.mark.parametrize("family", [-1, 0, 3, 4, 6])
def test_effects_keep_length_and_kind_and_never_break(family: int) -> None:
    for seed in range(8):
        wet = add_effects(np.random.default_rng(seed), _tone(), family)
        assert wet.shape == (64000,)
        assert wet.dtype == np.float32
        assert np.isfinite(wet).all()


@pytest.mark.parametrize("family", [-1, 0, 3, 4, 6])
def test_a_stem_gets_the_level_of_its_kind_within_3_db(family: int) -> None:
    for lead in (False, True):
        audio = set_level(np.random.default_rng(1), _tone(), family, lead)
        level_db = 20 * np.log10(np.sqrt(np.mean(audio.astype(np.float64) ** 2)))
        expected = LEAD_LEVEL_DB if lead else LEVELS_DB[family]
        assert abs(level_db - expected) < 3.1


def test_silence_stays_silence() -> None:
    silent = np.zeros(64000, np.float32)
    rng = np.random.default_rng(0)
    assert not set_level(rng, add_effects(rng, silent, 3), 3, lead=False).any()
