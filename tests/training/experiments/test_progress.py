from __future__ import annotations

import numpy as np
import pytest

from training.experiments import progress
from training.experiments.bits import Filling
from training.experiments.course import course_of, small
from training.experiments.learner import Learner
from training.experiments.orders import CAUSAL
from training.experiments.progress import filled, follow
from training.experiments.settings import Settings


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(tmp_path, tmp_path, tmp_path, tmp_path, None, tmp_path, 2, 1, quick=True)


def test_what_was_measured_is_not_measured_again(settings, monkeypatch):
    course, learner = course_of(settings), Learner("one", small(settings))
    before = follow(course, [learner], (1,), 2)["one"]
    bits = filled(course, learner, 1, 2, Filling(2, CAUSAL))
    monkeypatch.setattr(progress, "learn", None)
    monkeypatch.setattr(progress, "measure", None)
    again = follow(course, [learner], (1,), 2)["one"]
    assert np.array_equal(again.totals(), before.totals())
    assert again.cpu_s == before.cpu_s
    assert np.array_equal(filled(course, learner, 1, 2, Filling(2, CAUSAL)), bits)


def test_all_learners_reach_a_milestone_before_any_goes_on(settings, monkeypatch):
    seen = []
    learn = progress.learn

    def watched(course, learner, steps):
        seen.append((learner.name, steps))
        return learn(course, learner, steps)

    monkeypatch.setattr(progress, "learn", watched)
    learners = [Learner("one", small(settings)), Learner("two", small(settings), CAUSAL)]
    found = follow(course_of(settings), learners, (1, 2), 2)
    assert seen == [("one", 1), ("two", 1), ("one", 2), ("two", 2)]
    assert found["two"].steps == (1, 2)
    assert found["two"].cpu_s[1] > found["two"].cpu_s[0] > 0


def test_windows_are_the_same_for_all_learners(settings):
    course, learner = course_of(settings), Learner("one", small(settings))
    one, other = (
        progress.windows_of(course.valid, each, 3)
        for each in (learner, Learner("two", small(settings), CAUSAL))
    )
    assert np.array_equal(one.target.numpy(), other.target.numpy())
