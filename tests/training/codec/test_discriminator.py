"""Discriminators see what they should, learn to tell, and are fooled by the original alone."""

from __future__ import annotations

import pytest
import torch

from model.frame_codec import LOG_FLOOR
from training.codec.discriminator import (
    VIEWS,
    Discriminators,
    SpectrumDiscriminator,
    View,
    fooling_loss,
    matching_loss,
    telling_loss,
)

BINS = 1537


@pytest.fixture
def judges() -> Discriminators:
    torch.manual_seed(0)
    return Discriminators(width=4)


@pytest.fixture(scope="module")
def spectra() -> torch.Tensor:
    return torch.randn(2, 12, BINS, generator=torch.Generator().manual_seed(0))


def test_every_view_gives_features_and_a_verdict_of_every_second_frame(judges, spectra):
    seen = judges(spectra)
    assert len(seen) == len(VIEWS)
    for features in seen:
        assert len(features) == 5
        assert features[0].shape[:3] == (2, 4, 12)
        assert features[-1].shape[:3] == (2, 1, 6)
        assert features[-1].shape[3] >= 4, "verdicts on several parts of the spectrum"


def test_the_views_together_see_the_whole_spectrum():
    assert min(view.first for view in VIEWS) == 0.0 and max(view.last for view in VIEWS) == 1.0
    assert len({view.pooled for view in VIEWS}) > 1, "at several resolutions"


def test_a_view_sees_its_band_alone(spectra):
    judge = SpectrumDiscriminator(View(0.25, 0.5, 1), width=4)
    outside, inside = spectra.clone(), spectra.clone()
    outside[..., :384] += 1.0
    outside[..., 768:] += 1.0
    inside[..., 500] += 1.0
    assert torch.equal(judge(outside)[-1], judge(spectra)[-1])
    assert not torch.equal(judge(inside)[-1], judge(spectra)[-1])


def test_what_the_encoder_cannot_hear_is_not_judged(judges):
    silence = torch.full((1, 8, BINS), LOG_FLOOR)
    for one, other in zip(judges(silence), judges(silence - 5.0), strict=True):
        assert torch.equal(one[-1], other[-1])


def test_the_losses_of_undecided_discriminators():
    undecided = [[torch.ones(1, 2, 3, 4), torch.zeros(1, 1, 3, 4)]]
    assert float(telling_loss(undecided, undecided)) == 2.0
    assert float(fooling_loss(undecided)) == 0.0
    assert float(matching_loss(undecided, undecided)) == 0.0


def test_sure_and_right_costs_nothing_and_sure_and_wrong_the_most():
    low = [[torch.ones(1, 2, 3, 4), torch.full((1, 1, 3, 4), -1.5)]]
    high = [[torch.zeros(1, 2, 3, 4), torch.full((1, 1, 3, 4), 1.5)]]
    assert float(telling_loss(low, high)) == 0.0
    assert float(telling_loss(high, low)) == 5.0
    assert float(fooling_loss(high)) == -1.5 < float(fooling_loss(low))
    assert float(matching_loss(high, low)) == pytest.approx(1.0), "relative to the original's size"


def test_they_learn_to_tell_smooth_from_rough(judges):
    """The known weakness of a decoder that is trained on distances alone."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(judges.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        rough = torch.empty(2, 16, BINS).exponential_(generator=generator).log()
        loss = telling_loss(judges(torch.full_like(rough, -0.58)), judges(rough))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 1.5 and losses[-1] < 1.0
