"""Only what is new is encoded, and nobody can tell from the tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.context import CONTEXT_LEVEL, LEVEL_STEP_DB, ContextEncoder, context_gain
from model.frame_codec import FrameCodec
from model.grid import HOP

REACH = 9
"""Of the toy codec: one convolution of seven frames, and its longest spectrum."""


def song(frames: int, seed: int = 0) -> torch.Tensor:
    audio = np.random.default_rng(seed).standard_normal(frames * HOP).astype(np.float32)
    return 0.1 * torch.from_numpy(audio)


SONG = song(120)


def window(first: int, frames: int) -> torch.Tensor:
    return SONG[first * HOP : (first + frames) * HOP]


@given(
    windows=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=5),
    changed=st.lists(st.tuples(st.integers(0, 119), st.integers(1, 20)), max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_the_tokens_are_those_of_the_whole_window(toy_codec, windows, changed):
    """Whatever was heard before, and wherever the sound of it has changed since."""
    encoder = ContextEncoder(toy_codec)
    heard = SONG.clone()
    for turn, (first, frames) in enumerate(windows):
        for at, count in changed[turn : turn + 1]:
            heard[at * HOP : (at + count) * HOP] = song(count, turn + 1)[: (120 - at) * HOP]
        audio = heard[first * HOP : (first + frames) * HOP]
        assert_same_but_for_ties(toy_codec, audio, encoder.encode(audio, first))


def assert_same_but_for_ties(codec: FrameCodec, audio: torch.Tensor, tokens: torch.Tensor) -> None:
    """Tokens [Q, T] are those of the whole window; where one differs, both entries are as near.

    A sum of another length is rounded in another way: 1e-6 of a distance may decide.
    """
    whole = codec.encode(audio[None])[0]
    with torch.no_grad():
        latent = codec.latent(audio[None])[0]
        for frame in (tokens != whole).any(0).nonzero()[:, 0].tolist():
            level = int((tokens[:, frame] != whole[:, frame]).nonzero()[0, 0])
            near = []
            for one in (tokens, whole):
                chosen = one[: level + 1, None, frame : frame + 1]
                entry = codec.quantizer.decode(chosen)[0, :, 0]
                near.append(float((latent[frame] - entry).norm()))
            assert near[0] == pytest.approx(near[1], rel=1e-5), f"frame {frame}, level {level}"


def test_a_frame_depends_on_no_more_than_the_codec_says(toy_codec):
    assert toy_codec.reach_frames == REACH
    other = SONG.clone()
    other[60 * HOP : 61 * HOP] = 0.0
    before, after = (toy_codec.latent(audio[None])[0] for audio in (SONG, other))
    apart = (before - after).abs().amax(1) > 0
    changed = torch.arange(120)[apart]
    assert changed.min() >= 60 - REACH and changed.max() <= 60 + REACH
    assert changed.min() < 60 < changed.max()


def test_only_what_is_new_is_encoded(toy_codec):
    encoder = ContextEncoder(toy_codec)
    encoder.encode(window(0, 100), 0)
    assert encoder.encoded_frames == 100
    encoder.encode(window(0, 100), 0)  # another player: all but the window's edges
    assert encoder.encoded_frames == 100 + 4 * REACH
    encoder.encode(window(10, 100), 10)  # ten frames are new
    assert encoder.encoded_frames == 100 + 4 * REACH + (2 * REACH) + (10 + 2 * REACH)


def test_a_codec_whose_frames_depend_on_all_others_encodes_everything(toy_codec):
    class Recurrent(FrameCodec):
        @property
        def reach_frames(self):
            return None

    torch.manual_seed(0)
    codec = Recurrent(toy_codec.config).eval()
    encoder = ContextEncoder(codec)
    for _ in range(2):
        tokens = encoder.encode(window(0, 40), 0)
    assert encoder.encoded_frames == 80
    assert torch.equal(tokens, codec.encode(window(0, 40)[None])[0])


@given(level_db=st.floats(-70, 20))
def test_a_context_comes_to_the_level_of_training(level_db):
    loud = 10 ** (level_db / 20) * SONG[:HOP] / SONG[:HOP].square().mean().sqrt()
    rms = float((loud * context_gain(loud)).square().mean().sqrt())
    assert abs(20 * np.log10(rms / CONTEXT_LEVEL)) <= LEVEL_STEP_DB / 2 + 1e-3


@pytest.mark.parametrize("audio", [torch.zeros(100), torch.zeros(0)])
def test_silence_keeps_its_level(audio):
    assert context_gain(audio) == 1.0
