"""The codec keeps its contract: exact lengths, valid tokens, the same sound for the same tokens."""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.codec import Codec
from model.grid import HOP, frames_of
from model.phase import analyse
from training.codec.train import revive_dead_codes


def test_it_is_a_codec(toy_codec):
    assert isinstance(toy_codec, Codec)


def test_half_precision_hardly_moves_a_token(toy_codec):
    """Entries are told apart in full precision, or tokens flicker between neighbours."""
    codec = deepcopy(toy_codec)
    audio = 0.1 * torch.randn(1, 200 * HOP, generator=torch.Generator().manual_seed(0))
    revive_dead_codes(codec, codec.latent(audio), threshold=math.inf)
    exact = codec.encode(audio)
    with torch.autocast("cpu", torch.bfloat16):
        assert (codec.encode(audio) == exact)[:, 0].float().mean() > 0.9


@given(samples=st.integers(1, 5 * HOP + 7))
@settings(max_examples=40, deadline=None)
def test_lengths_are_exact_for_any_input(toy_codec, samples):
    tokens = toy_codec.encode(torch.zeros(2, samples))
    assert tokens.shape == (2, 4, frames_of(samples))
    assert toy_codec.decode(tokens).shape == (2, frames_of(samples) * HOP)


def test_tokens_are_in_the_vocabulary(toy_codec):
    tokens = toy_codec.encode(torch.randn(1, 40 * HOP))
    assert tokens.dtype == torch.int64
    assert int(tokens.min()) >= 0 and int(tokens.max()) < toy_codec.vocabulary


def test_decoding_is_finite_for_any_tokens(toy_codec):
    tokens = torch.randint(0, 2048, (1, 4, 30), generator=torch.Generator().manual_seed(0))
    assert toy_codec.decode(tokens).isfinite().all()


def test_frames_do_not_depend_on_the_batch(toy_codec):
    audio = torch.randn(3, 12 * HOP, generator=torch.Generator().manual_seed(0))
    together = toy_codec.encode(audio)
    alone = torch.cat([toy_codec.encode(row[None]) for row in audio])
    assert (together == alone).float().mean() > 0.99  # ties may fall either way


def test_what_is_far_away_changes_nothing(toy_codec):
    """A frame sees its neighbours only, so a window can be encoded with a few frames of run-in."""
    generator = torch.Generator().manual_seed(0)
    audio = torch.randn(1, 40 * HOP, generator=generator)
    other = audio.clone()
    other[:, : 10 * HOP] = torch.randn(1, 10 * HOP, generator=generator)
    reach = 10 + 3 + 8  # one block of 7 frames, half of the window for pitch
    same = toy_codec.latent(audio)[:, reach:], toy_codec.latent(other)[:, reach:]
    torch.testing.assert_close(*same)


def test_a_held_note_is_the_same_frame_again(toy_codec):
    """Tokens tell no phase: a note that holds does not change from frame to frame."""
    time_s = torch.arange(60 * HOP) / toy_codec.sample_rate
    note = 0.3 * torch.sin(2 * torch.pi * 223.7 * time_s)[None]
    latent = toy_codec.latent(note)[0, 20:40]
    torch.testing.assert_close(latent, latent[:1].expand_as(latent), atol=0.05, rtol=0.05)


def test_the_spectrum_is_that_of_the_phase_module(toy_codec):
    audio = torch.randn(1, 10 * HOP, generator=torch.Generator().manual_seed(0))
    config = toy_codec.config
    spectra = analyse(audio[0].numpy(), config.spectrum_size, config.spectrum_hop)
    ours = toy_codec.spectrum_of(audio).flatten(1, 2)[0].exp()
    torch.testing.assert_close(ours, torch.from_numpy(abs(spectra)).float(), atol=2e-3, rtol=1e-3)


def test_codebooks_are_what_the_decoder_adds_up(toy_codec):
    books = toy_codec.codebooks()
    assert books.shape == (4, 2048, toy_codec.config.code_width)
    tokens = torch.randint(0, 2048, (1, 4, 3), generator=torch.Generator().manual_seed(0))
    total = sum(
        layer.project_out(books[level][tokens[:, level]])
        for level, layer in enumerate(toy_codec.quantizer.layers)
    )
    quantized = toy_codec.quantizer.decode(tokens.transpose(0, 1)).transpose(1, 2)
    torch.testing.assert_close(total, quantized)
