"""Toy sizes: everything the real thing does, in milliseconds."""

from __future__ import annotations

import pytest
import torch

from model.frame_codec import FrameCodec, FrameCodecConfig
from model.generator import StemGenerator
from model.network import NetworkConfig, StemNetwork


@pytest.fixture(scope="session")
def toy_codec() -> FrameCodec:
    torch.manual_seed(0)
    return FrameCodec(FrameCodecConfig(width=16, encoder_blocks=1, decoder_blocks=1)).eval()


@pytest.fixture(scope="session")
def toy_network(toy_codec) -> StemNetwork:
    torch.manual_seed(0)
    network = StemNetwork(NetworkConfig(width=32, layers=2, heads=2, frames=64, context="features"))
    network.start_from_codebooks(toy_codec.codebooks())
    torch.nn.init.normal_(network.heads, std=0.3)
    return network.eval()


@pytest.fixture(scope="session")
def toy_generator(toy_codec, toy_network) -> StemGenerator:
    return StemGenerator(toy_codec, toy_network, torch.device("cpu"))
