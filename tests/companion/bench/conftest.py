from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoint import CODEC_FILE, STEMGEN_FILE, fingerprint, save_codec, save_network
from model.frame_codec import FrameCodec, FrameCodecConfig
from model.generator import StemGenerator, load_generator
from model.network import NetworkConfig, StemNetwork


@pytest.fixture(scope="session")
def toy_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained generator of toy size."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    codec = FrameCodec(FrameCodecConfig(width=16, encoder_blocks=1, decoder_blocks=1)).eval()
    save_codec(folder / CODEC_FILE.name, codec)
    network = StemNetwork(NetworkConfig(width=32, layers=1, heads=2))
    network.start_from_codebooks(codec.codebooks())
    save_network(folder / STEMGEN_FILE.name, network, fingerprint(codec))
    return folder


@pytest.fixture(scope="session")
def toy_generator(toy_weights: Path) -> StemGenerator:
    return load_generator("cpu", toy_weights)
