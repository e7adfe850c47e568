"""Toy sizes: everything the real thing does, in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from model.frame_codec import FrameCodec, FrameCodecConfig
from model.generator import StemGenerator
from model.network import NetworkConfig, StemNetwork
from model.pitch import PITCHES
from model.request import HARMONY_WIDTH, SOURCES
from model.sources import Sources


@pytest.fixture(scope="session")
def toy_codec() -> FrameCodec:
    torch.manual_seed(0)
    return FrameCodec(FrameCodecConfig(width=16, encoder_blocks=1, decoder_blocks=1)).eval()


def random_sources(batch: int = 2, frames: int = 24, seed: int = 0) -> Sources:
    """All that a network may be told of some windows, drawn at random."""
    dice = torch.Generator().manual_seed(seed)
    return Sources(
        context=torch.randint(0, 2048, (batch, 4, frames), generator=dice),
        guessed=torch.arange(frames).expand(batch, -1) >= frames // 2,
        pitches=torch.randn(batch, frames, PITCHES, generator=dice),
        instrument=torch.tensor([4, 16]).repeat(batch)[:batch],
        phase=torch.randn(batch, frames, 4, generator=dice),
        clock_known=torch.ones(batch, dtype=torch.bool),
        harmony=torch.randint(0, 2, (batch, frames, HARMONY_WIDTH), generator=dice).float(),
        harmony_known=torch.ones(batch, frames, dtype=torch.bool),
        sound=torch.randn(batch, 2 * 4 * 16, generator=dice),
        sound_known=torch.ones(batch, dtype=torch.bool),
    )


@pytest.fixture(scope="session")
def make_sources() -> Callable[..., Sources]:
    return random_sources


def make_network(codec: FrameCodec, fine: str) -> StemNetwork:
    torch.manual_seed(0)
    network = StemNetwork(
        NetworkConfig(
            width=32,
            layers=2,
            heads=2,
            frames=64,
            context="features",
            fine=fine,
            sources=SOURCES,
        )
    )
    network.start_from_codebooks(codec.codebooks())
    torch.nn.init.normal_(network.heads, std=0.3)
    torch.nn.init.normal_(network.context_guessed)
    return network.eval()


@pytest.fixture(scope="session")
def toy_network(toy_codec) -> StemNetwork:
    return make_network(toy_codec, "levels")


@pytest.fixture(scope="session")
def deep_network(toy_codec) -> StemNetwork:
    return make_network(toy_codec, "depth")


@pytest.fixture(scope="session")
def toy_generator(toy_codec, toy_network) -> StemGenerator:
    return StemGenerator(toy_codec, toy_network, torch.device("cpu"))
