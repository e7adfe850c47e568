"""A sound is told by what is heard of it, not by when or how long."""

from __future__ import annotations

import torch

from model.sound import sound_of, sound_width


def books():
    return torch.randn(4, 2048, 16, generator=torch.Generator().manual_seed(0))


def tokens(batch=1, frames=40, seed=1):
    return torch.randint(0, 2048, (batch, 4, frames), generator=torch.Generator().manual_seed(seed))


def test_it_is_the_mean_and_the_spread_of_each_levels_entries():
    heard = tokens()
    told = sound_of(books(), heard, torch.ones(1, 40, dtype=torch.bool))
    assert told.shape == (1, sound_width(4, 16))
    entries = torch.stack([books()[level][heard[0, level]] for level in range(4)])
    torch.testing.assert_close(told[0, :64], entries.mean(1).flatten())
    torch.testing.assert_close(told[0, 64:], entries.std(1, correction=0).flatten())


def test_neither_order_nor_silence_matters():
    heard, sounding = tokens(), torch.ones(1, 40, dtype=torch.bool)
    plain = sound_of(books(), heard, sounding)
    torch.testing.assert_close(sound_of(books(), heard.flip(2), sounding), plain)
    longer = torch.cat([heard, tokens(seed=2)], 2)
    silent = torch.cat([sounding, torch.zeros(1, 40, dtype=torch.bool)], 1)
    torch.testing.assert_close(sound_of(books(), longer, silent), plain)


def test_what_never_sounds_is_all_zeros():
    assert (sound_of(books(), tokens(), torch.zeros(1, 40, dtype=torch.bool)) == 0).all()
