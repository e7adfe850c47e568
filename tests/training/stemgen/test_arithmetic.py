"""The arithmetic of a step is what its matrix products take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.stemgen.arithmetic import matrix_peak, step_flops
from training.stemgen.hiding import Counts
from training.stemgen.settings import SIZES

PAPER = SIZES["paper"].network


def test_a_step_of_the_papers_network_is_counted_as_by_hand():
    """Six a number of the trunk and frame, and the attention of each frame to each."""
    inner = 2752
    trunk = PAPER.layers * (4 * PAPER.width**2 + 3 * PAPER.width * inner)
    attention = PAPER.layers * 12 * PAPER.frames * PAPER.width
    frames, masked = 40 * PAPER.frames, 30_000
    by_hand = frames * (6 * trunk + attention) + masked * 6 * PAPER.width * PAPER.vocabulary
    counted = step_flops(PAPER, 40, PAPER.frames, Counts(masked, (masked, 0, 0, 0), 0))
    assert counted == pytest.approx(by_hand, rel=0.05)


def test_more_windows_frames_or_finer_levels_are_more_work(deep_config):
    counts = Counts(masked=1, levels=(1,), finer=0)
    one = step_flops(deep_config, 4, 32, counts)
    assert step_flops(deep_config, 8, 32, counts) > 1.5 * one
    assert step_flops(deep_config, 4, 64, counts) > 1.5 * one
    assert step_flops(deep_config, 4, 32, replace(counts, finer=1)) > one


@pytest.mark.parametrize("backbone", ["recurrent", "convolution"])
def test_other_trunks_are_counted_too(toy_network_config, backbone):
    counts = Counts(masked=100, levels=(100, 0, 0, 0), finer=0)
    config = replace(toy_network_config, backbone=backbone)
    trunk = 6 * 4 * 8 * config.width**2 * config.layers
    assert step_flops(config, 4, 8, counts) > trunk


def test_the_peak_is_what_no_product_is_faster_than():
    peak = matrix_peak(torch.device("cpu"))
    assert 1e8 < peak < 1e14
