from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.remote import frames
from companion.remote.frames import Frames
from model.grid import HOP


def noise(seed: int, count: int, level: float = 0.3) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(count * HOP)).astype(np.float32)


def through(near: Frames, far: Frames, audio: np.ndarray) -> np.ndarray:
    put = near.put(audio)
    assert put is not None
    return far.take(*put)


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 12), st.floats(0.0, 4.0, width=32)), min_size=1, max_size=9
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(9, 16),
)
def test_what_is_put_at_one_end_is_taken_at_the_other(
    told: list[list[tuple[int, float]]], margin: int
) -> None:
    """However frames come again, and however few places there are for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "PLACES", margin + 9)
        patch.setattr(frames, "MOST", margin)
        near, far = Frames(), Frames()
        for array in told:
            audio = np.concatenate([noise(seed, 1, level) for seed, level in array])
            taken = through(near, far, audio)
            assert taken.dtype == np.float32 and taken.shape == audio.shape
            peak = np.abs(audio.reshape(-1, HOP)).max(1, keepdims=True)
            apart = np.abs(taken - audio).reshape(-1, HOP)
            assert (apart <= 0.51 * peak / 32767 + 1e-37).all()


def test_a_frame_is_sent_once() -> None:
    near, far = Frames(), Frames()
    first, longer = noise(1, 30), np.concatenate([noise(2, 5), noise(1, 30), np.zeros(9 * HOP)])
    through(near, far, first)
    put = near.put(longer.astype(np.float32))
    assert put is not None and len(put[1]) == 5 + 1  # the new ones, and silence
    again = far.take(*put)
    np.testing.assert_array_equal(again[5 * HOP : 35 * HOP], far.take(*near.put(first)))  # type: ignore[misc]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, HOP), np.float32),
        np.zeros(HOP + 1, np.float32),
        np.zeros(0, np.float32),
        np.zeros(HOP, np.float64),
        np.zeros(HOP, np.int16),
        np.zeros((frames.MOST + 1) * HOP, np.float32),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_what_is_no_sound_goes_as_it_is(array: np.ndarray) -> None:
    assert Frames().put(array) is None


PLACES, FRESH = np.zeros(3, np.int32), np.zeros((2, HOP + 2), np.int16)


@pytest.mark.parametrize(
    ("places", "fresh"),
    [
        (PLACES - 1, FRESH),
        (PLACES + frames.PLACES, FRESH),
        (PLACES.astype(np.int64), FRESH),
        (PLACES[:0], FRESH[:0]),
        (PLACES[None], FRESH),
        (PLACES[:1], FRESH),
        (PLACES, FRESH[:, :-1]),
        (PLACES, FRESH.astype(np.float32)),
        (PLACES, np.full_like(FRESH, -1)),  # levels that are NaN
    ],
)
def test_what_was_never_put_is_refused(places: np.ndarray, fresh: np.ndarray) -> None:
    with pytest.raises(ValueError):
        Frames().take(places, fresh)
