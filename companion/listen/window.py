"""The window of input that the model hears, laid on the global frame grid.

Bars that were played are heard as they were; bars that were not are heard as the same bar of the
last cycle; what neither tells is silence that is marked as unknown. Everything is put together at
the device's sample rate, where bar lines are exact, and resampled once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray

from companion.listen.cycle import Piece, pieces
from companion.system.errors import CompanionError
from model.grid import FRAME_RATE, HOP, SAMPLE_RATE

if TYPE_CHECKING:
    from companion.audio.aligned_input import Capture
    from companion.clock.grid import Grid

JOIN_S = 0.004
"""Each join is a cross-fade over this long *before* it, so that what starts there stays sharp."""
MARGIN_FRAMES = 2
"""Heard on both sides of the window for the resampler's filter (2.6 ms a side), then dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class ContextWindow:
    """What is heard in a stretch of the global frame grid."""

    first_frame: int  # global frame at which it starts
    audio: NDArray[np.float32]  # float32 [frames * 640], 32 kHz mono
    # bool [frames], False where at least half of a frame is heard from nowhere
    known: NDArray[np.bool_]
    # bool [frames], True where earlier bars stand in for what was not played by then
    guessed: NDArray[np.bool_]
    horizon_samples: int  # stream sample at which the real input ended

    @property
    def frames(self) -> int:
        """Length in frames."""
        return len(self.known)


def context_window(
    source: Capture,
    grid: Grid,
    first_frame: int,
    frames: int,
    cycle: int,
    stand_in_from: int = 0,
) -> ContextWindow:
    """Hear global frames [first_frame, first_frame + frames), the future by way of the cycle.

    Args:
        source: the captured input; asked only for samples it says it has.
        grid: the bars, at the same sample rate as `source`.
        first_frame: may be negative; frames before bar 0 are unknown.
        frames: at least 1.
        cycle: bars after which the music repeats, at least 1.
        stand_in_from: the first bar that may stand in for another; without one the future is
            unknown.

    Raises:
        CompanionError: frames or cycle below 1.
    """
    if frames < 1 or cycle < 1:
        raise CompanionError(f"window of {frames} frames, cycle of {cycle} bars; valid: 1 or more")
    hop = grid.rate // FRAME_RATE
    start = grid.origin_samples + (first_frame - MARGIN_FRAMES) * hop
    end = start + (frames + 2 * MARGIN_FRAMES) * hop
    heard = source.position
    plan = pieces(grid, start, end, cycle, heard, stand_in_from)
    audio, known = _lay(source, plan, start, end, heard, round(JOIN_S * grid.rate))
    if grid.rate != SAMPLE_RATE:
        audio = soxr.resample(audio, grid.rate, SAMPLE_RATE, quality="HQ")
    inner = slice(MARGIN_FRAMES, MARGIN_FRAMES + frames)
    mostly_known = known.reshape(-1, hop)[inner].sum(axis=1) * 2 >= hop
    starts = start + hop * np.arange(MARGIN_FRAMES, MARGIN_FRAMES + frames)
    return ContextWindow(
        first_frame=first_frame,
        audio=audio.reshape(-1, HOP)[inner].ravel(),
        known=mostly_known,
        guessed=mostly_known & (starts >= heard),
        horizon_samples=heard,
    )


def _lay(
    source: Capture, plan: Iterable[Piece], start: int, end: int, heard: int, join: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Put the pieces together: audio [end - start] at device rate, and which samples are known."""
    audio = np.zeros(end - start, np.float32)
    known = np.zeros(end - start, np.bool_)
    before = 0  # length of the piece before this one
    for piece in plan:
        at, length = piece.start_samples - start, piece.end_samples - piece.start_samples
        fade = min(join, before)
        sound = _hear(source, piece, fade, heard)
        before = length
        if sound is not None:
            audio[at : at + length] = sound[fade:]
            known[at : at + length] = True
        # Raised cosine: both sides of a join are one piece of music, so their sum keeps its level;
        # where both are the same samples, as at most bar lines, nothing changes.
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1))
        lead = audio[at - fade : at]
        lead += rise * ((0.0 if sound is None else sound[:fade]) - lead)
    return audio, known


def _hear(source: Capture, piece: Piece, fade: int, heard: int) -> NDArray[np.float32] | None:
    """The sound of a piece and of the `fade` samples before it; None where nothing is kept.

    The ring forgets: a long cycle at a slow tempo may reach behind what it keeps.
    """
    if piece.shift_samples is None:
        return None
    sound = np.zeros(fade + piece.end_samples - piece.start_samples, np.float32)
    first = piece.start_samples - fade - piece.shift_samples
    # A bar may be one sample longer than the bar it is heard from: never ask past the input.
    last = min(piece.end_samples - piece.shift_samples, heard)
    for kept in (max(first, 0), first + fade):
        try:
            sound[kept - first : last - first] = source.capture(kept, last - kept)
        except CompanionError:
            continue
        return sound
    return None
