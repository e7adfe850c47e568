"""Sound as it goes over the network: frames of 16 bits, each sent once.

Of two windows that follow each other most is the same, and so are bars that stand in for bars to
come. So both ends keep the frames that went by lately, in the same places, and a frame that is
there already is told by its place. A frame has a level of its own: what is lost lies 96 dB below
its peak.

*Threading*: none; each direction of a connection has two ends, which belong to one thread each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.grid import HOP

PLACES = 8192
"""Frames that both ends keep, 10 MB: two rounds of eight players."""
MOST = 1024
"""Frames of one array; a longer one is sent as it is."""
_FULL = 32767.0
_WIDTH = HOP + 2
"""int16 of a frame: its samples, and a float32 by which they are multiplied."""


class Frames:
    """One end of one direction: what is `put` at one end is what is `take`n at the other."""

    def __init__(self) -> None:
        """Nothing went by yet."""
        self._kept = np.zeros((PLACES, _WIDTH), np.int16)
        self._number = 0  # of frames that were new so far
        self._numbers: dict[bytes, int] = {}

    def put(self, audio: NDArray) -> tuple[NDArray[np.int32], NDArray[np.int16]] | None:
        """Audio float32 [n * 640] as n places and the m frames that are new, int16 [m, 642].

        None for an array that is no such audio.
        """
        whole = audio.ndim == 1 and audio.size and audio.size % HOP == 0
        if audio.dtype != np.float32 or not whole or audio.size > MOST * HOP:
            return None
        places = np.empty(audio.size // HOP, np.int32)
        fresh: list[int] = []
        coded = _coded(audio.reshape(-1, HOP))
        for at, frame in enumerate(coded):
            content = frame.tobytes()
            number = self._numbers.get(content)
            # The oldest may be written over by what is new in this array.
            if number is None or number < self._number - PLACES + MOST:
                number = self._numbers[content] = self._number
                self._number += 1
                fresh.append(at)
            places[at] = number % PLACES
        self._forget()
        return places, coded[fresh]

    def take(self, places: NDArray, fresh: NDArray) -> NDArray[np.float32]:
        """The audio, float32 [n * 640]; ValueError if these are not what `put` gives."""
        if places.dtype != np.int32 or places.ndim != 1 or not 1 <= len(places) <= MOST:
            raise ValueError(f"places are {places.dtype} {list(places.shape)}")
        if places.min() < 0 or places.max() >= PLACES:
            raise ValueError(f"places go from {places.min()} to {places.max()}")
        if fresh.dtype != np.int16 or fresh.ndim != 2 or fresh.shape[1] != _WIDTH:
            raise ValueError(f"frames are {fresh.dtype} {list(fresh.shape)}")
        if len(fresh) > len(places):
            raise ValueError(f"{len(fresh)} frames for {len(places)} places")
        at = (self._number + np.arange(len(fresh))) % PLACES
        self._kept[at] = fresh
        self._number += len(fresh)
        return _decoded(self._kept[places])

    def _forget(self) -> None:
        """Let go of frames that have no place any more, now and then."""
        if len(self._numbers) > 2 * PLACES:
            oldest = self._number - PLACES
            self._numbers = {c: number for c, number in self._numbers.items() if number >= oldest}


def _coded(frames: NDArray[np.float32]) -> NDArray[np.int16]:
    """[n, 640] -> [n, 642]."""
    scale = (np.abs(frames).max(1) / np.float32(_FULL)).astype(np.float32)
    divisor = np.where(scale > 0.0, scale, np.float32(1.0))
    coded = np.empty((len(frames), _WIDTH), np.int16)
    coded[:, :HOP] = np.rint(frames / divisor[:, None]).clip(-_FULL, _FULL)
    coded[:, HOP:] = scale.astype("<f4")[:, None].view("<i2")
    return coded


def _decoded(coded: NDArray[np.int16]) -> NDArray[np.float32]:
    """[n, 642] -> [n * 640]."""
    scale = np.ascontiguousarray(coded[:, HOP:]).view("<f4").astype(np.float32)
    if not np.isfinite(scale).all() or scale.min() < 0.0:
        raise ValueError("frames have levels that are no levels")
    return np.asarray(coded[:, :HOP] * scale, np.float32).ravel()
