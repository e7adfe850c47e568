"""Placing clips on a voice's timeline at an exact sample, without clicks.

A join has three parts. Before the start, over 30 ms, what was planned there cross-fades into the
clip's own run-in, so the first sample of the clip, and any transient on it, stays as it is. From
the start on, the clip replaces what was planned. Over its last 10 ms it gives way to what was
planned there, if the timeline goes on behind it, or else to silence.

*Threading*: one thread at a time writes a voice; it should be seconds ahead of the callback.
"""

from __future__ import annotations

import numpy as np

from companion.audio.memory import AudioMemory, Samples, TooLate
from companion.system.errors import CompanionError

CROSS_FADE_S = 0.030
FADE_IN_S = 0.001
FADE_OUT_S = 0.010
MARGIN_S = 0.25  # a thread that waits for the interpreter can lose this much between check and copy


class StemWriter:
    """Places clips on the timelines of one memory.

    Args:
        memory: the rig's memory.
        margin_samples: how far ahead of the position the first changed sample must be; by
            default 0.25 s.
    """

    def __init__(self, memory: AudioMemory, margin_samples: int | None = None) -> None:
        rate = memory.rate
        self.margin_samples = round(MARGIN_S * rate) if margin_samples is None else margin_samples
        self.cross_fade_samples = round(CROSS_FADE_S * rate)
        self.fade_in_samples = round(FADE_IN_S * rate)
        self.fade_out_samples = round(FADE_OUT_S * rate)
        self._memory = memory

    def place(
        self, voice: int, start_samples: int, clip: Samples, lead_in: Samples | None = None
    ) -> bool:
        """Let ``clip`` sound from exactly ``start_samples``; False if that is too late.

        With nothing planned in the 30 ms before the start, the clip fades in over its first 1 ms,
        of which the first sample already sounds. Samples that are not finite are written as 0.

        Args:
            voice: 0..``memory.players``.
            start_samples: absolute frame of the clip's first sample.
            clip: mono float32 [n], n at least 1.
            lead_in: the same music before the start, mono float32 [m]; its last 30 ms cross-fade
                with what is planned there. Shorter than 1 ms counts as none: then what is planned
                fades out before the start, and the clip fades in.

        Raises:
            CompanionError: the clip ends further ahead than half the ring.
        """
        clip = _finite(clip, "clip")
        if len(clip) == 0:
            raise ValueError("clip must have at least one sample")
        lead = clip[:0] if lead_in is None else _finite(lead_in, "lead_in")
        lead = lead[max(0, len(lead) - self.cross_fade_samples) :]
        if len(lead) < self.fade_in_samples:
            lead = clip[:0]
        first = start_samples - self.cross_fade_samples
        if first < self._memory.position + self.margin_samples:
            return False
        try:
            self._join(voice, start_samples, clip, lead)
        except TooLate:  # this thread was held up for longer than the margin
            return False
        return True

    def _join(self, voice: int, start: int, clip: Samples, lead: Samples) -> None:
        """Write the clip with its joins; ``lead`` is empty or as long as its cross-fade."""
        memory = self._memory
        end = start + len(clip)
        horizon = memory.horizon_samples
        if end > horizon:
            raise CompanionError(
                f"a clip that ends at sample {end} is too far ahead; valid now is up to {horizon}"
            )
        size = self.cross_fade_samples
        before = memory.read_ahead(voice, start - size, size)
        joined = bool(before.any())
        body = self._with_tail(voice, clip, end, horizon)
        if not (joined and len(lead)):
            size = min(self.fade_in_samples, len(body))
            body[:size] *= np.arange(1, size + 1, dtype=np.float32) / np.float32(size)
        if joined:
            run_in = lead if len(lead) else np.zeros_like(before)
            mixed = _cross_fade(before[len(before) - len(run_in) :], run_in)
            memory.write(voice, start - len(run_in), np.concatenate([mixed, body]))
        else:
            memory.write(voice, start, body)

    def _with_tail(self, voice: int, clip: Samples, end: int, horizon: int) -> Samples:
        """A copy of the clip whose last 10 ms give way to what the timeline holds there."""
        size = min(self.fade_out_samples, len(clip))
        behind = min(self.fade_out_samples, horizon - end)
        planned = self._memory.read_ahead(voice, end - size, size + behind)
        old = planned[:size] if planned[size:].any() else np.zeros(size, np.float32)
        body = clip.copy()
        body[len(body) - size :] = _cross_fade(body[len(body) - size :], old)
        return body


def _cross_fade(old: Samples, new: Samples) -> Samples:
    """From ``old`` to ``new`` over their common length, float32 [n].

    The weights are sin^2 and cos^2: they add up to 1, because both sides are the same music as
    far as it has been committed, and start and end without a corner.
    """
    n = len(old)
    weight = np.sin(np.pi / 2 * (np.arange(n) + 0.5) / n).astype(np.float32) ** 2
    mixed: Samples = old + weight * (new - old)
    return mixed


def _finite(samples: Samples, name: str) -> Samples:
    """As float32 [n] with every sample that is not finite turned to 0."""
    if samples.ndim != 1:
        raise ValueError(f"{name} must be mono [n], not {list(samples.shape)}")
    with np.errstate(over="ignore"):
        narrow = np.asarray(samples, np.float32)
    return np.where(np.isfinite(narrow), narrow, np.float32(0))
