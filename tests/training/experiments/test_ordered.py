from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.network import MASK
from training.experiments.course import course_of, small
from training.experiments.learner import Learner, make_training
from training.experiments.ordered import OrderedTraining
from training.experiments.orders import CAUSAL, CONFIDENCE, ORDERS, RANDOM
from training.experiments.settings import Settings
from training.stemgen.hiding import Hiding
from training.stemgen.pairs import PairBatch, draw_batch
from training.stemgen.sources import draw_told

SETTINGS = Settings(Path(), Path(), Path(), Path(), None, Path(), 2, 1, quick=True)
COURSE = course_of(SETTINGS)


def hidden_in(order: str, batch: PairBatch) -> Hiding:
    training = make_training(COURSE, Learner("one", small(SETTINGS), order))
    assert isinstance(training, OrderedTraining)
    dice = torch.Generator().manual_seed(4)
    return training.hide_frames(batch, draw_told(len(batch.prefix), dice), dice)


@pytest.fixture(scope="module")
def batch() -> PairBatch:
    return draw_batch(list(COURSE.train), 64, 32, 1, 0)


@pytest.fixture(scope="module")
def hidden(batch) -> dict[str, Hiding]:
    return {order: hidden_in(order, batch) for order in ORDERS}


def test_every_order_hides_as_much_and_never_what_is_given(hidden, batch):
    counts = [hidden[order].masked.sum(1) for order in ORDERS]
    assert torch.equal(counts[0], counts[1]) and torch.equal(counts[0], counts[2])
    assert counts[0].min() >= 1
    given = torch.arange(32) < batch.prefix[:, None]
    assert not any((hidden[order].masked & given).any() for order in ORDERS)


def test_a_hidden_frame_is_hidden_at_every_level(hidden, batch):
    for order in ORDERS:
        tokens = hidden[order].hide(batch.target)
        assert torch.equal((tokens == MASK).all(1), hidden[order].masked)
        assert torch.equal((tokens == MASK).any(1), hidden[order].masked)


def test_a_causal_order_hides_the_end(hidden):
    place = torch.arange(32.0)

    def middle(order: str) -> float:
        part = hidden[order].masked.float()
        return float(((part * place).sum(1) / part.sum(1)).mean())

    assert middle(CAUSAL) > middle(RANDOM) + 1


def test_an_order_by_confidence_hides_what_the_network_is_least_sure_of(batch, monkeypatch):
    surest = torch.arange(32.0).flip(0).expand(64, -1)  # of the front, so that it is as causal
    monkeypatch.setattr(OrderedTraining, "sureness", lambda *_: surest)
    assert torch.equal(hidden_in(CONFIDENCE, batch).masked, hidden_in(CAUSAL, batch).masked)
