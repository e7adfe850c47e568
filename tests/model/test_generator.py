"""From a request to a stem: guidance is what it says, and turns while a stem is made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.decoding import Cancelled
from model.generator import GuidedNetwork
from model.grid import HOP
from model.network import MASK
from model.request import SOURCES, DecodeSettings, StemRequest

FRAMES = 32


def request(**changes) -> StemRequest:
    rng = np.random.default_rng(0)
    values = {
        "context": (0.1 * rng.standard_normal(FRAMES * HOP)).astype(np.float32),
        "context_known": np.ones(FRAMES, np.bool_),
        "phase": rng.standard_normal((FRAMES, 4)).astype(np.float32),
        "prefix": rng.integers(0, 2048, (4, 8)).astype(np.int16),
        "frames": FRAMES,
        "instrument": 4,
        "guidance": {"audio": 2.0, "instrument": 1.5, "clock": 1.0},
        "decode": DecodeSettings(steps=(4, 2, 1, 1)),
        "seed": 3,
    }
    return StemRequest(**(values | changes))


def test_a_stem_keeps_its_prefix_and_fills_the_rest(toy_generator):
    asked = request()
    result = toy_generator.start(asked).result()
    assert result.tokens.shape == (4, FRAMES) and result.audio.shape == (FRAMES * HOP,)
    assert (result.tokens[:, :8] == asked.prefix).all()
    assert set(result.timings) == {"encode", "read_prefix", "decode_tokens", "decode_audio"}


def test_the_same_request_gives_the_same_stem(toy_generator):
    one, two = (toy_generator.start(request()).result() for _ in range(2))
    assert (one.tokens == two.tokens).all() and (one.audio == two.audio).all()
    other = toy_generator.start(request(seed=4)).result()
    assert (one.tokens != other.tokens).any()


NO_PREFIX = torch.zeros(4, 0, dtype=torch.long)


def guided(network, sources, guidance, form="joint", prefix=NO_PREFIX):
    return GuidedNetwork(network, sources, prefix, guidance, form)


@pytest.mark.parametrize("first", [0, 10])
def test_joint_guidance_at_one_is_the_conditional(toy_network, make_sources, first):
    ones, sources = dict.fromkeys(SOURCES, 1.0), make_sources(1, FRAMES)
    tokens, positions = torch.full((4, FRAMES), MASK), torch.arange(first, FRAMES)
    tokens[:, :first] = 7
    model = guided(toy_network, sources, ones, prefix=tokens[:, :first])
    assert len(model.terms) == 1
    with torch.inference_mode():
        conditioned = toy_network.condition(sources)
        hidden = toy_network(conditioned, tokens[None], torch.tensor([first]))[0, first:]
        expected = torch.log_softmax(toy_network.logits(hidden, 0).float(), -1)
    # bfloat16 products where the processor has them
    torch.testing.assert_close(model(tokens, 0, positions)[0], expected, atol=0.05, rtol=0.05)


def test_a_source_that_is_not_there_takes_no_pass(toy_network, make_sources):
    twice, sources = dict.fromkeys(SOURCES, 2.0), make_sources(1, FRAMES)
    for left in range(len(SOURCES) + 1):
        told = sources.only(set(SOURCES[:left]))
        assert len(guided(toy_network, told, twice, "product").terms) == max(1, left + 1)


def test_in_depth_finer_levels_come_from_the_pass_that_is_told_most(deep_network, make_sources):
    sources = make_sources(1, FRAMES)
    positions = torch.arange(3, 9)
    first, draws = torch.arange(6), torch.full((3, 6), 0.4)

    def finer(guidance: float, told: set[str]) -> torch.Tensor:
        weights = dict.fromkeys(SOURCES, guidance)
        model = guided(deep_network, sources.only(told), weights, "contrast")
        tokens = torch.full((4, FRAMES), MASK)
        return model(tokens, 0, positions)[1](positions, first, 1.0, draws)

    plain = finer(1.0, set(SOURCES))
    assert plain.shape == (3, 6) and plain.min() >= 0 and plain.max() < 2048
    assert torch.equal(plain, finer(3.0, set(SOURCES))), "guidance is the first level's"
    assert not torch.equal(plain, finer(1.0, {"clock"}))


def test_what_lies_behind_the_horizon_is_not_heard(toy_generator):
    known = np.arange(FRAMES) < 20
    one = request(context_known=known)
    other = one.context.copy()
    other[20 * HOP :] = np.random.default_rng(1).standard_normal(12 * HOP)
    changed = request(context_known=known, context=other.astype(np.float32))
    results = [toy_generator.start(r).result().tokens for r in (one, changed)]
    assert (results[0] == results[1]).all()
    deaf = request(context_known=np.zeros(FRAMES, np.bool_))
    assert toy_generator.start(deaf).result().audio.shape == (FRAMES * HOP,)


@pytest.mark.parametrize(
    "told",
    [
        {"harmony": np.eye(24, dtype=np.float32)[np.arange(FRAMES) % 12]},
        {"sound": np.full(128, 3.0, np.float32)},
        {"context_guessed": np.arange(FRAMES) >= 16},
    ],
    ids=lambda told: next(iter(told)),
)
def test_what_a_request_tells_is_heard(toy_generator, told):
    plain, other = (toy_generator.start(r).guided for r in (request(), request(**told)))
    assert not torch.equal(plain.rest[0], other.rest[0])


def test_a_sound_of_another_codec_is_refused_in_one_line(toy_generator):
    with pytest.raises(ValueError, match="sound is 64 numbers; valid: 128, or none"):
        toy_generator.start(request(sound=np.zeros(64, np.float32)))


def test_guidance_turns_while_a_stem_is_made(toy_generator):
    plain = toy_generator.start(request()).result()
    decoding = toy_generator.start(request())
    decoding.step()
    decoding.set_guidance({"audio": 6.0, "instrument": 6.0, "clock": 6.0})
    assert (decoding.result().tokens != plain.tokens).any()
    with pytest.raises(ValueError, match="guidance"):
        decoding.set_guidance({"audio": float("nan"), "instrument": 1.0, "clock": 1.0})


def test_finish_now_gives_a_whole_stem(toy_generator):
    decoding = toy_generator.start(request())
    decoding.step()
    decoding.finish()
    assert (decoding.result().tokens != MASK).all()
    assert decoding.progress == 1.0


def test_cancel_leaves_nothing(toy_generator):
    decoding = toy_generator.start(request())
    decoding.cancel()
    with pytest.raises(Cancelled):
        decoding.result()


def test_silence_has_one_token_a_level(toy_generator):
    silence = toy_generator.silence(30)
    assert silence.shape == (4, 30) and silence.dtype == np.int16
    assert (silence[:, 10:20] == silence[:, 10:11]).all()


def test_it_says_what_an_instrument_sounds_like_however_loud_it_was_recorded(toy_generator):
    recording = np.random.default_rng(5).standard_normal(40 * HOP + 7).astype(np.float32)
    sound = toy_generator.sound_of(0.05 * recording)
    assert sound.dtype == np.float32 and sound.shape == (toy_generator.network.sound_width,)
    # Levels are matched in steps, so by a whole number of them it is the same to the last digit.
    assert np.allclose(sound, toy_generator.sound_of(0.05 * 10**0.15 * recording), atol=1e-4)
    assert not np.allclose(sound, toy_generator.sound_of(0.05 * np.sign(recording)), atol=1e-2)
    told = toy_generator.start(request(sound=sound)).result()
    assert (told.tokens != toy_generator.start(request()).result().tokens).any()


def test_of_nothing_the_sound_is_that_of_nothing(toy_generator):
    assert not toy_generator.sound_of(np.zeros(0, np.float32)).any()
