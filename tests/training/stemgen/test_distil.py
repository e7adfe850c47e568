"""Guidance as an input: the student starts as its teacher and comes to give what guidance gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model.checkpoint import load_network
from model.generator import GuidedNetwork
from model.network import MASK, StemNetwork
from model.request import SOURCES
from training.errors import TrainingError
from training.stemgen.distil import HIGHEST, Distillation, divergence, draw_weights
from training.stemgen.pairs import draw_batch
from training.stemgen.run import guided_student
from training.stemgen.sources import sources_of
from training.stemgen.train import StemgenSettings

CPU = torch.device("cpu")


@pytest.fixture
def teacher(deep_config) -> StemNetwork:
    torch.manual_seed(0)
    network = StemNetwork(deep_config)
    network.start_from_codebooks(torch.randn(4, 2048, deep_config.code_width))
    torch.nn.init.normal_(network.heads, std=0.1)
    return network.eval()


def test_weights_lie_within_the_range_and_some_are_none_at_all():
    weights = draw_weights(10_000, torch.Generator().manual_seed(0))
    assert weights.min() >= 0 and weights.max() <= HIGHEST
    for share, chosen in ((0.15, weights < 1), (0.25, weights == 1), (0.6, weights > 1)):
        assert abs(float(chosen.float().mean()) - share) < 0.02


def test_the_student_starts_as_its_teacher_whatever_the_weights(teacher, songs):
    student = guided_student(teacher).eval()
    sources = sources_of(teacher, draw_batch(songs, 3, 32, 1, 0))
    told = student.condition(sources, torch.full((3, len(SOURCES)), 5.0))
    assert torch.equal(told, teacher.condition(sources))


def test_a_weight_of_one_changes_nothing_whatever_was_learnt(teacher, songs):
    student = guided_student(teacher).eval()
    for weight in student.guidance.parameters():
        torch.nn.init.normal_(weight)
    sources = sources_of(teacher, draw_batch(songs, 3, 32, 1, 0))
    plain = student.condition(sources)
    assert torch.equal(plain, student.condition(sources, torch.ones(3, len(SOURCES))))
    for index in range(len(SOURCES)):
        weights = torch.ones(3, len(SOURCES))
        weights[:, index] = 3.0
        assert not torch.allclose(plain, student.condition(sources, weights))


def test_the_teachers_guided_distribution_is_that_of_the_generator(teacher, songs):
    """Against the passes and their sum as `model.generator` has them, window by window."""
    training = Distillation(guided_student(teacher), CPU, StemgenSettings(steps=1), teacher)
    batch = draw_batch(songs, 3, 32, 1, 0, live=False)
    sources = sources_of(teacher, batch)
    weights = torch.tensor([3.0, 0.5, 1.0])
    turned = {("audio", "clock"): weights, ("harmony",): weights.flip(0)}
    target = torch.full_like(batch.target, MASK)
    masked = torch.ones(3, 32, dtype=torch.bool)
    with torch.no_grad():
        guided = training._guided(sources, turned, target, masked, batch.prefix).view(3, 32, -1)
    for row in range(3):
        one = replace(
            sources,
            **{
                name: getattr(sources, name)[row : row + 1] for name in sources.__dataclass_fields__
            },
        )
        both, third = float(weights[row]), float(weights.flip(0)[row])
        asked = {"audio": both, "clock": both, "harmony": third}
        model = GuidedNetwork(teacher, one, torch.zeros(4, 0, dtype=torch.long), asked, "contrast")
        if both == third and both != 1.0:
            continue  # turned alike, they are one group there
        told, _ = model(target[row], 0, torch.arange(32))
        torch.testing.assert_close(guided[row], told, atol=0.1, rtol=0.05)


def test_it_learns_what_guidance_makes_of_one_small_batch(teacher, songs):
    settings = StemgenSettings(steps=10_000, peak=1e-2)
    training = Distillation(guided_student(teacher), CPU, settings, teacher)
    batch = draw_batch(songs, 4, 32, 1, 0)
    losses = [training.step(150, batch)["guided"] for _ in range(60)]
    assert sum(losses[-5:]) / 5 < 0.5 * losses[0]


def test_it_tells_how_far_it_has_come(teacher, songs):
    training = Distillation(guided_student(teacher), CPU, StemgenSettings(steps=1), teacher)
    figures = training.evaluate(songs, batches=1)
    assert figures["guided"] == pytest.approx(figures["unguided"], rel=1e-3)
    assert figures["unguided"] > 0


def test_only_a_network_that_is_told_guidance_can_learn_it(teacher, toy_network_config):
    for student in (teacher, StemNetwork(replace(toy_network_config, guided=True))):
        with pytest.raises(TrainingError, match="valid: guided, finer levels in depth"):
            Distillation(student, CPU, StemgenSettings(steps=1), teacher)


def test_a_guided_network_takes_one_pass_whatever_the_weights(teacher, songs):
    sources = sources_of(teacher, draw_batch(songs, 1, 32, 1, 0, live=False))
    none = torch.zeros(4, 0, dtype=torch.long)
    student = guided_student(teacher).eval()
    for weight in student.guidance.parameters():
        torch.nn.init.normal_(weight)
    weights = {"audio": 3.0, "clock": 2.0, "instrument": 1.5}
    model = GuidedNetwork(student, sources, none, weights, "distilled")
    assert len(model.terms) == 1
    for network, form in ((teacher, "distilled"), (teacher, "contrast"), (student, "contrast")):
        assert len(GuidedNetwork(network, sources, none, weights, form).terms) == 4
    before = model.rest.clone()
    model.set_guidance(dict.fromkeys(weights, 1.0))
    assert not torch.equal(before, model.rest), "its knobs are live"
    torch.testing.assert_close(
        model.rest, GuidedNetwork(student, sources, none, {}, "distilled").rest
    )


def test_divergence_is_nothing_between_equals_and_not_less_than_that():
    logits = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    told = torch.log_softmax(logits, -1)
    assert float(divergence(told, logits + 3.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(divergence(told, logits.flip(1))) > 0.1


def test_a_run_teaches_a_student_to_be_guided(
    encoded_out, tmp_path, band, codec_weights, deep_config
):
    from tests.training.stemgen.test_train import SETTINGS, go
    from training.stemgen.run import train_stemgen

    first = go(encoded_out, tmp_path / "first", band, codec_weights, deep_config)
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "shards").symlink_to(tmp_path / "first" / "shards")
    weights = train_stemgen(
        band,
        codec_weights,
        tmp_path / "second",
        replace(SETTINGS, steps=2),
        teacher=first,
        device="cpu",
    )
    assert load_network(weights).config == replace(deep_config, guided=True)


def test_divergence_is_of_the_masked_frames_alone(teacher, songs):
    """What is given of the stem is not asked for again."""
    training = Distillation(guided_student(teacher), CPU, StemgenSettings(steps=1), teacher)
    batch = draw_batch(songs, 2, 32, 1, 0)
    masked = torch.zeros(2, 32, dtype=torch.bool)
    masked[:, 20:] = True
    guided = training._guided(sources_of(teacher, batch), {}, batch.target, masked, batch.prefix)
    assert guided.shape == (24, 2048)
