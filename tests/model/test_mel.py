"""The filters cover the spectrum, however its bins lie."""

from __future__ import annotations

import pytest
import torch

from model.grid import SAMPLE_RATE
from model.mel import mel_filters


@pytest.mark.parametrize(("fft", "bands"), [(2048, 80), (1024, 80), (512, 42), (256, 21)])
def test_they_cover_the_spectrum(fft, bands):
    filters = mel_filters(torch.arange(fft // 2 + 1) * SAMPLE_RATE / fft, bands)
    assert filters.shape == (fft // 2 + 1, bands)
    assert float(filters.min()) >= 0.0 and float(filters.max()) <= 1.0
    assert bool((filters.sum(0) > 0).all()), "no band is empty"
    assert bool((filters[1:-1].sum(1) > 0).all()), "no bin but the first and last is lost"
    assert bool((filters.argmax(0).diff() >= 0).all())


def test_a_band_has_its_peak_where_the_mel_scale_puts_it():
    """1000 Hz is 1000 mel, by definition; 16 kHz is 3564."""
    hertz = torch.arange(16_001).float()
    filters = mel_filters(hertz, 24)
    mel = 2595 * torch.log10(1 + filters.argmax(0) / 700)
    torch.testing.assert_close(
        mel, torch.arange(1, 25) * float(2595 * torch.log10(torch.tensor(1 + 16_000 / 700))) / 25,
        atol=2.0, rtol=0,
    )  # fmt: skip
