"""Weights come back as they were written, or are refused by name."""

from __future__ import annotations

import pytest
import torch

from model.checkpoint import (
    CheckpointError,
    fingerprint,
    load_codec,
    load_network,
    save_codec,
    save_network,
)


def test_a_codec_comes_back(toy_codec, tmp_path):
    save_codec(tmp_path / "codec.safetensors", toy_codec)
    loaded = load_codec(tmp_path / "codec.safetensors")
    assert fingerprint(loaded) == fingerprint(toy_codec)
    audio = torch.randn(1, 6400, generator=torch.Generator().manual_seed(0))
    latents = loaded.latent(audio), toy_codec.latent(audio)
    torch.testing.assert_close(*latents, atol=1e-2, rtol=0.1)
    spectra = [codec.told_by(latents[0]).spectra for codec in (loaded, toy_codec)]
    torch.testing.assert_close(*spectra, atol=2e-2, rtol=0.1)


def test_a_network_comes_back(toy_codec, toy_network, tmp_path):
    path = tmp_path / "stemgen.safetensors"
    save_network(path, toy_network, fingerprint(toy_codec))
    loaded = load_network(path, fingerprint(toy_codec))
    assert loaded.config == toy_network.config
    for key, value in loaded.state_dict().items():
        torch.testing.assert_close(value, toy_network.state_dict()[key], atol=1e-3, rtol=1e-3)


def test_another_codec_is_refused_by_name(toy_network, tmp_path):
    path = tmp_path / "stemgen.safetensors"
    save_network(path, toy_network, "aaaa")
    with pytest.raises(CheckpointError, match="trained with codec aaaa, the codec here is bbbb"):
        load_network(path, "bbbb")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nothing\.safetensors is missing; valid: a codec"):
        load_codec(tmp_path / "nothing.safetensors")


def test_what_is_no_safetensors_is_refused(tmp_path):
    path = tmp_path / "codec.safetensors"
    path.write_bytes(b"\x80\x04K\x01.")  # a pickle
    with pytest.raises(CheckpointError, match="is not safetensors"):
        load_codec(path)


def test_the_wrong_kind_is_refused(toy_codec, tmp_path):
    path = tmp_path / "codec.safetensors"
    save_codec(path, toy_codec)
    with pytest.raises(CheckpointError, match="holds 'codec'; valid here: 'stemgen'"):
        load_network(path)
