"""Stems decoded together are those decoded alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import model.device
from model.batch import BatchDecoding
from model.decoding import Cancelled
from model.grid import HOP
from model.request import DecodeSettings
from tests.model.test_generator import FRAMES, request


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products in full precision, so that what differs is the batch alone."""
    monkeypatch.setattr(model.device, "has_bfloat16", lambda device: False)


def alone(generator, asked):
    return [generator.start(each).result() for each in asked]


def together(generator, asked):
    batch = generator.start_together(asked)
    while batch.step():
        pass
    return [batch.result(index) for index in range(len(asked))]


def band(count: int = 3, **changes):
    rng = np.random.default_rng(9)
    return [
        request(
            context=(0.1 * rng.standard_normal(FRAMES * HOP)).astype(np.float32),
            instrument=index,
            seed=index,
            **changes,
        )
        for index in range(count)
    ]


def test_same_seeds_same_tokens_and_the_same_sound(toy_generator, exact):
    for one, both in zip(
        alone(toy_generator, band()), together(toy_generator, band()), strict=True
    ):
        assert (one.tokens == both.tokens).all()
        np.testing.assert_allclose(one.audio, both.audio, atol=1e-5)
        assert (one.steps, one.passes) == (both.steps, both.passes)


@given(
    shapes=st.lists(
        st.tuples(
            st.sampled_from([0, 8, 20]),
            st.integers(1, 6),
            st.sampled_from([1.0, 2.0, 3.0]),
            st.sampled_from(["contrast", "joint", "product"]),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=15, deadline=None)
def test_windows_steps_and_guidance_may_differ_from_stem_to_stem(toy_generator, shapes):
    asked = [
        request(
            prefix=np.full((4, prefix), 7, np.int16),
            decode=DecodeSettings(steps=(steps, 2, 1, 1)),
            guidance={"audio": audio, "instrument": 1.0, "clock": 3.0},
            form=form,
            seed=index,
        )
        for index, (prefix, steps, audio, form) in enumerate(shapes)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.device, "has_bfloat16", lambda device: False)
        pairs = zip(alone(toy_generator, asked), together(toy_generator, asked), strict=True)
        for one, both in pairs:
            assert (one.tokens == both.tokens).all()


def test_log_probabilities_agree_in_the_precision_of_the_stage(toy_generator):
    """bfloat16 products, where the processor has them, of more rows may round another way."""
    asked = band()
    batch = BatchDecoding(toy_generator, asked)
    rest, past = batch._join(range(3))
    stems = [batch._stem(index) for index in range(3)]
    new = torch.cat([stem.guided.new(stem.tokens.tokens) for stem in stems])
    with torch.inference_mode(), model.device.autocast(torch.device("cpu")):
        hidden = toy_generator.network.go_on(rest, new, past)
    parts = hidden.split([len(stem.guided.terms) for stem in stems])
    for stem, part in zip(stems, parts, strict=True):
        level, positions = stem.tokens.open
        torch.testing.assert_close(
            stem.guided.told(part, level, positions)[0],
            stem.guided(stem.tokens.tokens, level, positions)[0],
            atol=0.05,
            rtol=0.05,
        )


def test_all_are_hurried_at_once(toy_generator):
    batch = toy_generator.start_together(band(decode=DecodeSettings(steps=(9, 9, 9, 9))))
    batch.step()
    batch.finish()
    for index in range(3):
        assert batch.result(index).steps == 1 + 4
    assert batch.progress == 1.0


def test_guidance_turns_for_one_alone(toy_generator, exact):
    plain = together(toy_generator, band())
    batch = toy_generator.start_together(band())
    batch.step()
    batch.set_guidance(1, {"audio": 6.0, "instrument": 6.0, "clock": 5.0})
    turned = [batch.result(index) for index in range(3)]
    same = [(a.tokens == b.tokens).all() for a, b in zip(plain, turned, strict=True)]
    assert same == [True, False, True]


def test_one_that_fails_leaves_the_others_alone(toy_generator, exact):
    plain = together(toy_generator, band())
    batch = toy_generator.start_together(band())
    batch.step()
    broken = batch._stem(1).guided
    broken.rest = torch.full_like(broken.rest, float("nan"))
    batch._joined.clear()
    while batch.step():
        pass
    with pytest.raises(ValueError, match="the network gave NaN"):
        batch.result(1)
    for index in (0, 2):
        assert (batch.result(index).tokens == plain[index].tokens).all()


def test_cancelled_it_has_no_results(toy_generator):
    batch = toy_generator.start_together(band())
    batch.cancel()
    assert not batch.step()
    with pytest.raises(Cancelled):
        batch.result(0)
