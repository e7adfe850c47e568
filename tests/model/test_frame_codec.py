"""The codec keeps its contract: exact lengths, valid tokens, the same sound for the same tokens."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.checkpoint import load_codec
from model.codec import Codec
from model.frame_codec import FrameCodec, FrameCodecConfig
from model.grid import HOP, frames_of
from model.phase import analyse
from training.codec.train import revive_dead_codes

TOY = FrameCodecConfig(width=16, encoder_blocks=1, decoder_blocks=1)
LAYOUTS = (TOY, replace(TOY, decoder_width=24, single_bins=480, attack=True))


@pytest.fixture(scope="module", params=LAYOUTS, ids=["every bin", "groups and attack"])
def toy_codec(request) -> FrameCodec:
    torch.manual_seed(0)
    return FrameCodec(request.param).eval()


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
    ours = toy_codec.told_of(audio).spectra[0].exp()
    true = torch.from_numpy(abs(spectra)).float()
    torch.testing.assert_close(ours[:, :480], true[:, :480], atol=2e-3, rtol=1e-3)
    power, bins = ours.square() * toy_codec.point_bins(), toy_codec.point_bins()
    left_out = int(len(true[0]) - bins.sum())
    torch.testing.assert_close(
        power.sum(1), true[:, : true.shape[1] - left_out].square().sum(1), rtol=1e-3, atol=1e-2
    )


def test_a_point_lies_in_the_middle_of_its_bins(toy_codec):
    hertz, bins = toy_codec.point_hertz(), toy_codec.point_bins()
    assert len(hertz) == len(bins)
    ends = torch.cumsum(bins, 0)
    middles = (ends - bins + ends - 1) / 2
    torch.testing.assert_close(hertz, middles * 32_000 / toy_codec.config.spectrum_size)
    assert 15_900 < float(hertz[-1]) <= 16_000


def test_silence_comes_back_as_silence_where_the_decoder_may_go_that_low(toy_codec):
    config = replace(toy_codec.config, decoder_floor=-14.0)
    codec = FrameCodec(config).eval()
    torch.nn.init.zeros_(codec.head.weight)
    torch.nn.init.constant_(codec.head.bias, -100.0)
    told = codec.told_by(torch.zeros(1, 3, config.width))
    assert bool((told.spectra == -14.0).all())
    assert float(codec.decode(torch.zeros(1, 4, 10, dtype=torch.long)).abs().max()) < 1e-5


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


def test_what_lies_far_before_the_new_frames_is_not_decoded_again(toy_codec):
    """It comes back as it was played, and its tokens are not looked at."""
    dice = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 2048, (2, 4, 60), generator=dice)
    lead = 0.1 * torch.randn(2, 50 * HOP, generator=dice)
    first = 50 - toy_codec.lead_frames
    assert first > 0
    audio = toy_codec.decode(tokens, lead)
    assert audio.shape == (2, 60 * HOP)
    assert torch.equal(audio[:, : first * HOP], lead[:, : first * HOP])
    other = tokens.clone()
    other[..., :first] = 7
    assert torch.equal(toy_codec.decode(other, lead), audio)


def test_new_frames_sound_as_if_the_whole_window_had_been_decoded(monkeypatch):
    """With the bundled codec, on notes: as loud at each pitch as with everything decoded again."""
    codec = load_codec()
    time_s = torch.arange(150 * HOP) / codec.sample_rate
    pitches_hz = 220.0 * 2 ** ((time_s * 2).floor() % 5 / 12)
    audio = 0.2 * torch.sin(2 * math.pi * pitches_hz * time_s)[None]
    tokens = codec.encode(audio)
    lead = codec.decode(tokens)[:, : 100 * HOP]
    near = codec.decode(tokens, lead)
    monkeypatch.setattr(FrameCodec, "lead_frames", 10_000)
    whole = codec.decode(tokens, lead)
    spectra = [np.abs(analyse(sound[0, 100 * HOP :].numpy(), 2048, HOP)) for sound in (near, whole)]
    assert np.abs(spectra[0] - spectra[1]).mean() < 0.1 * spectra[1].mean()
