"""MusicGen plays where its weights are given, and says what it lacks where they are not."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from companion.listening.musicgen import MusicGen, _without_torchaudio
from companion.system.errors import CompanionError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of the published shape, small and with random weights."""
    import torch

    with _without_torchaudio():
        t: Any = import_module("transformers")
        text = t.T5Config(
            vocab_size=32,
            d_model=8,
            d_kv=4,
            d_ff=8,
            num_layers=1,
            num_heads=2,
            decoder_start_token_id=0,
        )
        codec = t.EncodecConfig(
            sampling_rate=32_000,
            audio_channels=1,
            num_filters=2,
            hidden_size=8,
            codebook_dim=8,
            codebook_size=64,
            upsampling_ratios=[8, 5, 4, 4],
            target_bandwidths=[1.2],
            num_lstm_layers=1,
            use_causal_conv=False,
            normalize=False,
        )
        decoder = t.MusicgenDecoderConfig(
            vocab_size=64,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            ffn_dim=16,
            num_codebooks=4,
            pad_token_id=64,
            bos_token_id=64,
            max_position_embeddings=256,
        )
        torch.manual_seed(0)
        config = t.MusicgenConfig(text_encoder=text, audio_encoder=codec, decoder=decoder)
        model = t.MusicgenForConditionalGeneration(config)
        for name, buffer in model.audio_encoder.named_buffers():
            if name.endswith(".embed"):  # codebooks begin with nothing in them
                buffer.normal_()
        model.generation_config.decoder_start_token_id = 64
        model.generation_config.pad_token_id = 64
        made = tmp_path_factory.mktemp("musicgen")
        model.save_pretrained(made, safe_serialization=True)
    return made


def test_it_plays_as_long_as_asked_and_the_same_for_a_seed(folder: Path) -> None:
    musicgen, samples = MusicGen(folder), 20_000
    one, again, other = (musicgen.play(samples, seed) for seed in (1, 1, 2))
    assert (one.shape, one.dtype) == ((samples,), np.float32)
    assert np.isfinite(one).all()
    assert one[-2_000:].any()
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match=r"config\.json is missing; valid: a folder of"):
        MusicGen(tmp_path)


def test_a_file_that_is_no_musicgen_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CompanionError, match="cannot be loaded"):
        MusicGen(tmp_path)


def test_transformers_that_is_not_installed_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CompanionError, match=r'valid: pip install "transformers>=5\.23,<6"'):
        MusicGen(folder)
