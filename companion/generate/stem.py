"""One player's stem: what it plays bar by bar, as sound and as tokens, and clips cut to bars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from companion.generate.clips import BarClip, ClipShelf, fit, to_device_rate
from companion.generate.decision import Placement, PlanWindow
from companion.generate.grid import FrameGrid
from model.grid import HOP
from model.request import StemResult

if TYPE_CHECKING:
    from companion.clock.transport import Transport

LEAD_IN_S = 0.030
"""Music before a clip's start that is handed along for the cross-fade."""


class Stem:
    """What was placed on a player's timeline, and the clips that may be next."""

    def __init__(self, transport: Transport, player: int, silence: NDArray[np.int16]) -> None:
        """Nothing placed; `silence` is int16 [4, n], silence in tokens."""
        self._transport = transport
        self._player = player
        self._lead_in_samples = round(LEAD_IN_S * transport.rate)
        self._clips = ClipShelf()
        self._tokens = FrameGrid(silence)
        self._sound = FrameGrid(np.zeros((HOP, 1), np.float32))

    @property
    def end_bar(self) -> int:
        """The bar after the last that sounds."""
        return self._clips.end_bar

    def clip(self, bar: int) -> BarClip | None:
        """What sounds in a bar, None if nothing."""
        return self._clips.get(bar)

    def source(self, bar: int, cycle: int) -> int | None:
        """The bar to repeat in `bar`'s place; see `ClipShelf.source`."""
        return self._clips.source(bar, cycle)

    def commit(self, placement: Placement) -> None:
        """From now on this is what sounds there."""
        self._tokens.write(placement.first_frame, placement.tokens)
        self._sound.write(placement.first_frame, placement.sound)
        if placement.epoch is None:
            self._clips.clear_from(placement.first_bar)
            return
        whole = np.concatenate([placement.lead_in, placement.clip])
        before = len(placement.lead_in) - placement.start_samples
        for n in range(placement.bars):
            bar = placement.first_bar + n
            start = before + self._transport.bar_start_samples(bar)
            end = before + self._transport.bar_start_samples(bar + 1)
            clip = BarClip(
                audio=whole[start:end].copy(),
                lead_in=self._lead_in(whole, start),
                epoch=placement.epoch,
                plan_bar=placement.plan_bar + n,
                ready_samples=placement.ready_samples,
            )
            self._clips.put(bar, clip)

    def cut(self, window: PlanWindow, result: StemResult, first_bar: int, now: int) -> Placement:
        """The bars of a finished plan from `first_bar` on, as one clip."""
        transport, layout = self._transport, window.layout
        audio = to_device_rate(result.audio, transport.rate)
        start = transport.bar_start_samples(first_bar)
        end = transport.bar_start_samples(layout.end_bar)
        first_frame = math.floor(transport.bar_start_frames(first_bar))
        return Placement(
            player=self._player,
            start_samples=start,
            clip=audio[start - window.start_samples : end - window.start_samples],
            lead_in=self._lead_in(audio, start - window.start_samples),
            first_bar=first_bar,
            bars=layout.end_bar - first_bar,
            epoch=window.epoch,
            plan_bar=first_bar - layout.first_bar,
            ready_samples=now,
            first_frame=first_frame,
            tokens=result.tokens[:, first_frame - layout.first_frame :],
            sound=result.audio.reshape(-1, HOP).T[:, first_frame - layout.first_frame :],
        )

    def again(self, bar: int, source: int, now: int, fades: bool = False) -> Placement:
        """What sounds in `source` once more in `bar`, perhaps fading out over it.

        `source` must be a bar that has a clip.
        """
        clip = self._clips.get(source)
        assert clip is not None
        start = self._transport.bar_start_samples(bar)
        audio = fit(clip.audio, self._transport.bar_start_samples(bar + 1) - start)
        if fades:
            audio = audio * np.linspace(1.0, 0.0, len(audio), dtype=np.float32)
        first_frame, tokens, sound = self._frames_again(bar, source)
        return Placement(
            player=self._player,
            start_samples=start,
            clip=audio,
            lead_in=clip.lead_in,
            first_bar=bar,
            bars=1,
            epoch=clip.epoch,
            plan_bar=clip.plan_bar + bar - source,
            ready_samples=now,
            first_frame=first_frame,
            tokens=tokens,
            sound=sound,
        )

    def quiet(self, first_bar: int, end_bar: int, now: int) -> Placement:
        """Silence over bars first_bar .. end_bar - 1; what was there cross-fades into it."""
        transport = self._transport
        start = transport.bar_start_samples(first_bar)
        first_frame = math.floor(transport.bar_start_frames(first_bar))
        frames = math.ceil(transport.bar_start_frames(end_bar)) - first_frame
        return Placement(
            player=self._player,
            start_samples=start,
            clip=np.zeros(transport.bar_start_samples(end_bar) - start, np.float32),
            lead_in=np.zeros(self._lead_in_samples, np.float32),
            first_bar=first_bar,
            bars=end_bar - first_bar,
            epoch=None,
            plan_bar=0,
            ready_samples=now,
            first_frame=first_frame,
            tokens=self._tokens.silence(frames),
            sound=self._sound.silence(frames),
        )

    def prefix(
        self, first_frame: int, frames: int, repeats: Mapping[int, int]
    ) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Tokens int16 [4, frames] from `first_frame` on, where nothing was placed silence.

        And what they sound like, float32 [frames * 640], 32 kHz.

        `repeats` says which bars, not placed yet, are going to repeat which others.
        """
        tokens, sound = (
            self._tokens.read(first_frame, frames),
            self._sound.read(first_frame, frames),
        )
        for bar, source in repeats.items():
            start, again, sound_again = self._frames_again(bar, source)
            skip, at = max(0, first_frame - start), max(0, start - first_frame)
            count = max(0, min(frames - at, again.shape[1] - skip))  # 0 for a bar outside
            tokens[:, at : at + count] = again[:, skip : skip + count]
            sound[:, at : at + count] = sound_again[:, skip : skip + count]
        return tokens, sound.T.ravel()

    def _frames_again(
        self, bar: int, source: int
    ) -> tuple[int, NDArray[np.int16], NDArray[np.float32]]:
        """First frame, tokens and sound of `bar` when it repeats `source`, to the nearest frame."""
        start = self._transport.bar_start_frames(bar)
        first_frame = math.floor(start)
        end_frame = math.ceil(self._transport.bar_start_frames(bar + 1))
        shift = round(start - self._transport.bar_start_frames(source))
        there = first_frame - shift, end_frame - first_frame
        return first_frame, self._tokens.read(*there), self._sound.read(*there)

    def _lead_in(self, audio: NDArray[np.float32], at: int) -> NDArray[np.float32]:
        """The 30 ms before sample `at`, or as much as there is."""
        return audio[max(0, at - self._lead_in_samples) : at].copy()
