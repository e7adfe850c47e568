"""The training masks keep the law: one level at a time, nothing finer leaks."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from model.masking import draw_levels, draw_rates, mask_frames, mask_targets
from model.network import MASK


@given(
    level=st.integers(0, 3),
    rate=st.floats(0, 1),
    prefix=st.integers(0, 19),
    seed=st.integers(0, 2**31),
)
def test_coarser_levels_stay_and_finer_levels_are_hidden(level, rate, prefix, seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, 2048, (3, 4, 20), generator=generator)
    tokens, masked = mask_targets(
        target,
        torch.full((3,), level),
        torch.full((3,), rate),
        torch.full((3,), prefix),
        generator,
    )
    assert (tokens[:, :, :prefix] == target[:, :, :prefix]).all()
    assert (tokens[:, :level] == target[:, :level]).all()
    assert (tokens[:, level + 1 :, prefix:] == MASK).all()
    assert ((tokens[:, level] == MASK) == masked).all()
    assert masked.any(1).all(), "at least one position is learnt"
    assert not masked[:, :prefix].any()


def test_everything_free_is_masked_at_rate_one():
    target = torch.zeros(2, 4, 10, dtype=torch.long)
    tokens, masked = mask_targets(
        target,
        torch.tensor([0, 2]),
        torch.ones(2),
        torch.tensor([0, 4]),
        torch.Generator().manual_seed(0),
    )
    assert masked[0].all() and masked[1, 4:].all() and not masked[1, :4].any()
    assert (tokens[0] == MASK).all()


def test_rates_are_full_for_half_and_follow_the_cosine_law_for_the_rest():
    rates = draw_rates(40_000, torch.Generator().manual_seed(1))
    partial = rates[rates < 1]
    assert abs(len(partial) / len(rates) - 0.5) < 0.01
    # P(cos u < x) = 1 - arccos(x) / (pi / 2)
    for share in (0.2, 0.5, 0.8):
        expected = 1 - math.acos(share) / (math.pi / 2)
        assert abs(float((partial < share).float().mean()) - expected) < 0.01


def test_every_level_is_trained_and_the_coarsest_most():
    levels = draw_levels(10_000, torch.Generator().manual_seed(1))
    counts = torch.bincount(levels, minlength=4)
    assert (counts > 0).all() and counts.argmax() == 0


@given(
    rates=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    prefix=st.integers(0, 19),
    seed=st.integers(0, 2**31),
)
def test_whole_frames_are_hidden_as_many_as_the_rate_says(rates, prefix, seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, 2048, (len(rates), 4, 20), generator=generator)
    prefixes = torch.full((len(rates),), prefix)
    tokens, masked = mask_frames(target, torch.tensor(rates), prefixes, generator)
    assert ((tokens == MASK) == masked[:, None]).all()
    assert (tokens == target)[~masked[:, None].expand_as(target)].all()
    assert not masked[:, :prefix].any()
    for row, rate in zip(masked, rates, strict=True):
        assert int(row.sum()) == max(1, math.ceil(torch.tensor(rate) * (20 - prefix)))


def test_half_of_the_examples_are_hidden_from_the_back():
    size, frames = 4_000, 100
    target = torch.zeros(size, 4, frames, dtype=torch.long)
    none = torch.zeros(size, dtype=torch.long)
    half = torch.full((size,), 0.5)
    _, masked = mask_frames(target, half, none, torch.Generator().manual_seed(0))
    place = torch.arange(frames).float()
    middle = (masked * place).sum(1) / masked.sum(1)
    ordered = middle > 60  # five standard deviations off the middle of a uniform draw
    assert abs(float(ordered.float().mean()) - 0.5) < 0.03
    assert abs(float(middle[~ordered].mean()) - 49.5) < 0.5
