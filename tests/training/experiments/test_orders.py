from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.experiments.orders import (
    CAUSAL,
    CONFIDENCE,
    ORDERS,
    RANDOM,
    first_frames,
    shares,
)


@given(
    free=st.lists(st.booleans(), min_size=1, max_size=40),
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 1000),
    part=st.floats(0, 1),
)
def test_as_many_frames_are_filled_as_asked_and_none_that_is_not_free(free, order, seed, part):
    dice = torch.Generator().manual_seed(seed)
    where = torch.tensor([free])
    sureness, noise = torch.rand(2, 1, len(free), generator=dice)
    count = torch.tensor([int(part * sum(free))])
    first = first_frames(shares(order, where, sureness), where, noise, count)
    assert first.sum() == count
    assert not (first & ~where).any()


@given(free=st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_free_frames_stand_at_even_distances_in_a_causal_order(free):
    where = torch.tensor([free])
    told = shares(CAUSAL, where)[where]
    torch.testing.assert_close(told, torch.arange(len(told)) / len(told))


def test_without_dice_a_causal_order_fills_the_front_first():
    free = torch.tensor([[False, True, True, False, True]])
    first = first_frames(shares(CAUSAL, free), free, torch.zeros(1, 5), torch.tensor([2]))
    assert first.tolist() == [[False, True, True, False, False]]


def test_without_dice_confidence_fills_what_the_network_is_surest_of():
    free = torch.tensor([[True, True, False, True]])
    share = shares(CONFIDENCE, free, torch.tensor([[0.1, 0.9, 1.0, 0.5]]))
    first = first_frames(share, free, torch.zeros(1, 4), torch.tensor([2]))
    assert first.tolist() == [[False, True, False, True]]


def test_at_random_no_frame_is_before_another():
    free = torch.ones(1, 50, dtype=torch.bool)
    noise = torch.rand(1, 50, generator=torch.Generator().manual_seed(1))
    first = first_frames(shares(RANDOM, free), free, noise, torch.tensor([10]))
    assert set(first[0].nonzero()[:, 0].tolist()) == set(noise[0].argsort()[:10].tolist())


def test_an_unknown_order_and_confidence_of_nobody_are_refused():
    free = torch.ones(1, 3, dtype=torch.bool)
    for order in ("backwards", CONFIDENCE):
        with pytest.raises(ValueError, match=f"'{order}'; valid: random, causal, by confidence"):
            shares(order, free)
