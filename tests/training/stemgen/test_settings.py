"""The sizes that are trained, and the rates they are trained with."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch

from model.network import StemNetwork
from model.sources import Sources
from training.errors import TrainingError
from training.loop import held_rate
from training.stemgen.arithmetic import empty_sources
from training.stemgen.optimizers import make_optimizers
from training.stemgen.settings import SIZES, StemgenSettings, find_size


def test_the_papers_network_is_the_papers_and_makes_a_step_without_numbers():
    size = SIZES["paper"]
    config, settings = size.network, StemgenSettings(size.steps, **size.settings)
    assert (config.layers, config.width, config.heads) == (20, 1024, 16)
    assert config.frames == 20 * 50 and settings.frames_a_step == 40 * config.frames
    with torch.device("meta"):
        network = StemNetwork(config)
        trunk = sum(p.numel() for p in network.trunk.parameters())
        assert 245e6 < trunk < 260e6
        optimizers = make_optimizers(network, settings)
        sources: Sources = empty_sources(network, 2, config.frames)
        target = torch.zeros(2, config.levels, config.frames, dtype=torch.long)
        hidden = network(network.condition(sources), target)
        assert hidden.shape == (2, config.frames, config.width)
        loss = sum(network.logits(hidden, level).square().mean() for level in range(config.levels))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    # What hears features, or is told chords, is not there; of the rest nothing is left out.
    assert all(p.grad is not None and p.grad.shape == p.shape for p in network.parameters())


def test_the_papers_rate_rises_is_held_and_falls():
    size = SIZES["paper"]
    settings = StemgenSettings(size.steps, **size.settings)
    rates = {step: settings.rate(step) for step in (0, 4_999, 10_000, 59_999, 60_000, 149_999)}
    assert rates[0] == pytest.approx(5e-8) and rates[4_999] == pytest.approx(2.5e-4)
    assert rates[10_000] == rates[59_999] == rates[60_000] == 5e-4
    assert rates[149_999] == pytest.approx(5e-4 * 0.02 ** (89_999 / 300_000))
    longer = StemgenSettings(150_000, **size.settings | {"hold_share": 0.0, "warmup": 0})
    assert longer.rate(150_000) / longer.rate(0) == pytest.approx(0.02**0.5)


@pytest.mark.parametrize("step", [0, 50, 99, 100, 500, 999])
def test_our_rate_is_what_it_always_was(step):
    settings = StemgenSettings(1000)
    assert settings.rate(step) == held_rate(step, 1000, 2e-3, 100, 0.1)


def test_runs_that_are_older_than_a_setting_go_on():
    """A checkpoint names settings as it knows them: what is as it was then is not named."""
    told = StemgenSettings(12_000).told()
    assert told.keys() == asdict(StemgenSettings(1)).keys() - {"warmup", "fall_steps", "optimizer"}
    assert StemgenSettings(1, warmup=5).told()["warmup"] == 5
    assert StemgenSettings(1, optimizer="adamw").told()["optimizer"] == "adamw"


def test_a_size_that_is_not_there_is_one_line():
    with pytest.raises(TrainingError, match="size is 'big'; valid: own, paper, tiny"):
        find_size("big")
