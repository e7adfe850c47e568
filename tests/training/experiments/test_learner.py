from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.errors import TrainingError
from training.experiments.course import course_of, small
from training.experiments.excerpts import Portion
from training.experiments.learner import Course, Learner, learn, network_of
from training.experiments.orders import CAUSAL, CONFIDENCE, RANDOM
from training.experiments.settings import Settings


def toy(out: Path) -> Settings:
    return Settings(out, out / "pages", out, out, None, out, 2, 1, quick=True)


@pytest.fixture
def course(tmp_path) -> Course:
    return course_of(toy(tmp_path))


def numbers(course: Course, learner: Learner, steps: int) -> torch.Tensor:
    return torch.cat([p.flatten() for p in network_of(course, learner, steps).parameters()])


def test_taking_more_steps_later_ends_where_taking_them_at_once_does(course, tmp_path):
    learner = Learner("one", small(toy(tmp_path)))
    learn(course, learner, 1)
    learn(course, learner, 3)
    at_once = replace(course, out=tmp_path / "at-once")
    learn(at_once, learner, 3)
    torch.testing.assert_close(
        numbers(course, learner, 3), numbers(at_once, learner, 3), rtol=0, atol=0
    )


def test_what_it_was_after_fewer_steps_is_kept(course, tmp_path):
    learner = Learner("one", small(toy(tmp_path)))
    learn(course, learner, 1)
    before = numbers(course, learner, 1)
    learn(course, learner, 2)
    assert torch.equal(before, numbers(course, learner, 1))
    assert not torch.equal(before, numbers(course, learner, 2))


def test_fewer_steps_than_it_has_taken_is_an_error(course, tmp_path):
    learner = Learner("one", small(toy(tmp_path)))
    learn(course, learner, 2)
    with pytest.raises(TrainingError, match="one has taken 2 steps and is asked for 1; valid: 2"):
        learn(course, learner, 1)


def test_each_order_and_each_portion_is_a_learner_of_its_own(course, tmp_path):
    config = small(toy(tmp_path))
    base = Learner("one", config)
    others = [
        Learner("one", config, order=CAUSAL),
        Learner("one", config, order=CONFIDENCE),
        Learner("one", config, portion=Portion(0.3, 2)),
    ]
    for learner in (base, *others):
        learn(course, learner, 2)
    told = [numbers(course, learner, 2) for learner in (base, *others)]
    assert not any(torch.equal(told[0], other) for other in told[1:])


def test_a_learner_by_another_name_is_not_trained_again(course, tmp_path):
    config = small(toy(tmp_path))
    learn(course, Learner("transformer", config), 1)
    assert torch.equal(
        numbers(course, Learner("transformer", config), 1),
        numbers(course, Learner("learnt at random", config, order=RANDOM), 1),
    )


def test_an_order_needs_finer_levels_in_depth(course, tmp_path):
    config = replace(small(toy(tmp_path)), fine="levels")
    with pytest.raises(TrainingError, match="order is 'causal' with fine 'levels'"):
        learn(course, Learner("one", config, order=CAUSAL), 1)
