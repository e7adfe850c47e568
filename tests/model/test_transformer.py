"""Positions turn keys and queries against each other; a prefix sees itself only."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from model.transformer import rotary_table, rotate, visible_to


@given(frames=st.integers(1, 12), data=st.data())
def test_a_prefix_sees_itself_and_the_rest_sees_all(frames, data):
    prefixes = data.draw(st.lists(st.integers(0, frames), min_size=1, max_size=4))
    visible = visible_to(torch.tensor(prefixes), frames)
    assert visible.shape == (len(prefixes), 1, frames, frames)
    for example, prefix in enumerate(prefixes):
        for frame in range(frames):
            seen = visible[example, 0, frame].nonzero()[:, 0].tolist()
            assert seen == list(range(prefix if frame < prefix else frames))


def test_rotation_depends_on_distance_only():
    cos, sin = rotary_table(torch.arange(20), 8)
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 8, generator=generator)
    turned_query = rotate(query.expand(1, 1, 20, 8), cos, sin)[0, 0]
    turned_key = rotate(key.expand(1, 1, 20, 8), cos, sin)[0, 0]
    scores = turned_query @ turned_key.T
    for distance in range(-19, 20):
        along = torch.diagonal(scores, distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-4, rtol=1e-4)
