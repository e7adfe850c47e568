"""Decoding fills every position once, the same way for the same seed, nearest frames first."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from model.decoding import Cancelled, FrameDecoding, TokenDecoding, rank, sample, still_open
from model.network import MASK
from model.request import DecodeSettings

VOCABULARY = 32


def noise_model(tokens, level, positions):
    """What depends on position and level only; finer tokens that tell the first."""
    generator = torch.Generator().manual_seed(level)
    table = torch.randn(tokens.shape[1], VOCABULARY, generator=generator)
    return torch.log_softmax(table[positions], -1), told_by_first


def told_by_first(positions, first, temperature, draws):
    assert draws.shape == (3, len(positions)) and first.shape == positions.shape
    return torch.stack([first + level for level in (1, 2, 3)])


def make(frames=24, prefix=0, seed=1, model=noise_model, **kwargs) -> TokenDecoding:
    given_tokens = torch.arange(4 * prefix).view(4, prefix) % VOCABULARY
    return TokenDecoding(given_tokens, frames, DecodeSettings(**kwargs), seed, model)


def make_frames(frames=24, prefix=0, seed=1, **kwargs) -> FrameDecoding:
    given_tokens = torch.arange(4 * prefix).view(4, prefix) % VOCABULARY
    return FrameDecoding(given_tokens, frames, DecodeSettings(**kwargs), seed, noise_model)


def run(decoding: TokenDecoding) -> torch.Tensor:
    while decoding.step():
        pass
    return decoding.result()


@given(
    frames=st.integers(2, 40),
    prefix=st.integers(0, 39),
    steps=st.tuples(*[st.integers(1, 20)] * 4),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=50)
def test_everything_is_filled_and_the_prefix_is_kept(frames, prefix, steps, seed):
    prefix = min(prefix, frames - 1)
    decoding = make(frames, prefix, seed, steps=steps)
    tokens = run(decoding)
    assert ((tokens >= 0) & (tokens < VOCABULARY)).all()
    assert (tokens[:, :prefix].flatten() == torch.arange(4 * prefix) % VOCABULARY).all()
    assert decoding.progress == 1.0


@given(total=st.integers(1, 500), steps=st.integers(1, 64))
def test_the_schedule_keeps_at_least_one_a_step_and_ends_full(total, steps):
    steps = min(steps, total)
    left = [total, *[still_open(total, step, steps) for step in range(1, steps + 1)]]
    assert left[-1] == 0
    assert all(a > b for a, b in pairwise(left))


def test_the_schedule_by_hand():
    # 100 positions, 4 steps: 100 cos(pi/8), cos(pi/4), cos(3 pi/8), 0
    assert [still_open(100, step, 4) for step in (1, 2, 3, 4)] == [92, 70, 38, 0]


def test_ranking_by_hand():
    settings = DecodeSettings(causal_bias=0.1, confidence=0.1, randomness=1.0)
    confidence, position, noise = (torch.tensor(x) for x in ([0.5, 0.5], [0, 50], [0.2, 0.2]))
    paper = rank(confidence, position, 100, 128, settings, noise)
    torch.testing.assert_close(paper, torch.tensor([0.35, 0.30]))
    # 8 steps: 16 ** 0.82 = 9.713, the noise stays
    short = rank(confidence, position, 100, 8, settings, noise)
    torch.testing.assert_close(short, torch.tensor([1.65696, 1.17130]), atol=1e-4, rtol=0)


def order_of_filling(steps: int, frames: int = 400) -> torch.Tensor:
    """The step at which each frame's first level was filled, for a few seeds [seeds, frames]."""
    filled = []
    for seed in range(4):
        decoding = make(frames, seed=seed, steps=(steps, 1, 1, 1), confidence=0.0)
        when = torch.zeros(frames)
        for step in range(steps):
            decoding.step()
            when[(decoding.tokens[0] != MASK) & (when == 0)] = step + 1
        filled.append(when)
    return torch.stack(filled)


def test_few_steps_keep_the_order_that_128_steps_have():
    def correlation(steps: int) -> float:
        return float(np.mean([spearmanr(w, range(400)).statistic for w in order_of_filling(steps)]))

    paper = correlation(128)
    assert 0.75 < paper < 0.85
    for steps in (4, 8, 16, 32, 64):
        assert correlation(steps) == pytest.approx(paper, abs=0.06), steps


def test_the_same_seed_gives_the_same_stem_and_another_seed_another():
    assert (run(make(seed=5)) == run(make(seed=5))).all()
    assert (run(make(seed=5)) != run(make(seed=6))).any()


def test_a_candidate_of_probability_zero_is_never_drawn():
    log_probabilities = torch.tensor([[0.0, 0.25, 0.75, 0.0]]).log().expand(5, -1)
    uniform = torch.tensor([0.0, 0.25 - 1e-7, 0.25, 1 - 2**-24, 1.0])
    candidates, probability = sample(log_probabilities, 1.0, uniform)
    assert candidates.tolist() == [1, 1, 2, 2, 2]
    assert (probability > 0).all()


@given(st.integers(1, 400), st.integers(1, 12), st.integers(0, 100))
@settings(max_examples=30)
def test_of_equal_ranks_the_front_stays(frames, steps, seed):
    """Neither bias nor chance: every candidate ranks the same."""
    chosen = {"causal_bias": 0.0, "confidence": 0.0, "randomness": 0.0}
    decoding = make(frames, seed=seed, steps=(steps, 1, 1, 1), **chosen)
    while decoding.open[0] == 0 and decoding.step():
        filled = decoding.tokens[0] != MASK
        assert filled[: int(filled.sum())].all()


def test_coarse_levels_are_full_before_finer_ones_begin():
    seen = []

    def spy(tokens, level, positions):
        seen.append(level)
        assert (tokens[:level] != MASK).all()
        assert (tokens[level + 1 :] == MASK).all()
        return noise_model(tokens, level, positions)

    run(make(model=spy, steps=(5, 3, 2, 2)))
    assert seen == [0] * 5 + [1] * 3 + [2] * 2 + [3] * 2


def test_kept_tokens_stay_kept():
    decoding = make(steps=(6, 1, 1, 1))
    before = decoding.tokens.clone()
    while decoding.step():
        kept = before != MASK
        assert (decoding.tokens[kept] == before[kept]).all()
        before = decoding.tokens.clone()


def test_with_causal_bias_alone_the_nearest_frames_come_first():
    decoding = make(frames=40, steps=(8, 1, 1, 1), causal_bias=1.0, confidence=0.0, randomness=0.0)
    for _ in range(7):
        decoding.step()
        filled = (decoding.tokens[0] != MASK).nonzero()[:, 0]
        assert filled.tolist() == list(range(len(filled)))


def test_finish_fills_the_rest_in_one_step_a_level():
    decoding = make(steps=(12, 4, 4, 4))
    decoding.step()
    decoding.finish()
    left = 0
    while not decoding.finished:
        decoding.step()
        left += 1
    assert left == 4
    assert (decoding.result() != MASK).all()


def test_an_early_finish_has_filled_the_nearest_frames_first():
    """Half way through a level, what is kept lies in front: stopped there, the end is made last."""
    places = []
    for seed in range(20):
        decoding = make(frames=100, seed=seed, steps=(8, 4, 4, 4), causal_bias=0.1, confidence=0.0)
        for _ in range(5):
            decoding.step()
        places.append((decoding.tokens[0] != MASK).float())
    kept = torch.stack(places).mean(0)
    assert kept[:25].mean() > 2.5 * kept[75:].mean()
    decoding.finish()
    assert (run(decoding) != MASK).all()


def test_a_cancelled_decoding_has_no_result():
    decoding = make()
    decoding.step()
    decoding.cancel()
    assert not decoding.step()
    with pytest.raises(Cancelled):
        decoding.result()


def test_an_unfinished_decoding_has_no_result():
    with pytest.raises(RuntimeError, match="valid: finished"):
        make().result()


def test_progress_rises_to_one():
    decoding = make(steps=(3, 2, 1, 1))
    seen = [decoding.progress]
    while not decoding.finished:
        decoding.step()
        seen.append(decoding.progress)
    assert seen == [step / 7 for step in range(8)]


def test_sampling_follows_the_distribution():
    log_probabilities = torch.tensor([0.7, 0.2, 0.1]).log().expand(20_000, 3)
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    tokens, confidence = sample(log_probabilities, 1.0, uniform)
    shares = torch.bincount(tokens, minlength=3) / 20_000
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.2, 0.1]), atol=0.01, rtol=0)
    torch.testing.assert_close(confidence, torch.tensor([0.7, 0.2, 0.1])[tokens])


def test_a_low_temperature_takes_the_likeliest():
    log_probabilities = torch.tensor([0.2, 0.5, 0.3]).log().expand(1000, 3)
    tokens, _ = sample(log_probabilities, 0.02, torch.rand(1000))
    assert (tokens == 1).all()


# -- whole frames at once ------------------------------------------------------------------------


@given(
    frames=st.integers(2, 40),
    prefix=st.integers(0, 39),
    steps=st.integers(1, 20),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=50)
def test_in_depth_each_step_fills_whole_frames(frames, prefix, steps, seed):
    prefix = min(prefix, frames - 1)
    decoding = make_frames(frames, prefix, seed, steps=(steps, 9, 9, 9))
    while True:
        more = decoding.step()
        open_frames = decoding.tokens == MASK
        assert (open_frames == open_frames[0]).all(), "a frame is open at all levels or at none"
        if not more:
            break
    tokens = decoding.result()
    assert decoding.steps_done == min(steps, frames - prefix)
    assert (tokens[:, :prefix].flatten() == torch.arange(4 * prefix) % VOCABULARY).all()
    new = tokens[:, prefix:]
    assert (new == new[0] + torch.arange(4)[:, None]).all(), "finer tokens are told by the first"
    assert decoding.progress == 1.0


def test_in_depth_frames_are_filled_in_the_order_of_the_first_level():
    one, other = make(frames=60, steps=(6, 1, 1, 1)), make_frames(frames=60, steps=(6, 1, 1, 1))
    one.step(), other.step()
    assert torch.equal(one.tokens[0], other.tokens[0])


def test_in_depth_finish_takes_one_step():
    decoding = make_frames(steps=(12, 4, 4, 4))
    decoding.step()
    decoding.finish()
    assert not decoding.step()
    assert (decoding.result() != MASK).all() and decoding.steps_done == 2
