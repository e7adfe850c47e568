"""One player's stem: what it plays bar by bar, as sound and as tokens, and clips cut to bars.

Bars are kept at the tempo they were planned at and laid on the transport's beats when they are
placed, and once more when those beats have moved since.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.clock.warp import warped
from companion.players.clips import BarClip, ClipShelf, to_device_rate
from companion.players.decision import Placement, PlanWindow, Retimed
from companion.players.frame_grid import FrameGrid
from model.grid import FRAME_RATE, HOP
from model.request import StemResult

if TYPE_CHECKING:
    from companion.clock.transport import Transport

LEAD_IN_S = 0.150
"""Music before a clip's start, for the cross-fade and for a stretch to settle."""
RETIME_AHEAD_S = 0.35
"""How far ahead what is on the timeline is moved: enough for the writer to take it."""
ASTRAY_S = 0.001
"""A beat that was laid so far from where it lies now is moved."""
FADE_IN_S = 0.001
"""Over so long a stem rises from silence that is laid before it."""
LAID_BARS = 24
"""Bars behind the newest of which it is known where their beats were laid."""


class Stem:
    """What was placed on a player's timeline, and the clips that may be next.

    Attributes:
        grid: that it is planned on.
        begun: whether anything was placed on this grid, for a plan to go on from.
    """

    def __init__(
        self, transport: Transport, grid: Grid, player: int, silence: NDArray[np.int16]
    ) -> None:
        """Nothing placed; `silence` is int16 [4, n], silence in tokens."""
        self._transport = transport
        self._player = player
        self._silence = silence
        self._lead_in_samples = round(LEAD_IN_S * transport.rate)
        self._clips = ClipShelf()
        self._laid: dict[int, tuple[int, ...]] = {}
        self._numbers = count()
        self._start_frames(grid)

    def _start_frames(self, grid: Grid) -> None:
        self.grid = grid
        self.begun = False
        self._tokens = FrameGrid(self._silence)
        self._sound = FrameGrid(np.zeros((HOP, 1), np.float32))

    def regrid(self, grid: Grid) -> None:
        """Plan on another grid from now on: bars are kept, but no plan goes on from them."""
        self._start_frames(grid)

    @property
    def end_bar(self) -> int:
        """The bar after the last that sounds."""
        return self._clips.end_bar

    def clip(self, bar: int) -> BarClip | None:
        """What sounds in a bar, None if nothing."""
        return self._clips.get(bar)

    def source(self, bar: int, cycle: int, before: int | None = None) -> int | None:
        """The bar to repeat in `bar`'s place; see `ClipShelf.source`."""
        return self._clips.source(bar, cycle, before)

    def first_of(self, bar: int) -> int | None:
        """The first bar of those up to `bar` that are of one plan; None where nothing sounds."""
        return self._clips.first_of(bar)

    def commit(self, placement: Placement) -> None:
        """From now on this is what sounds there."""
        if placement.grid == self.grid:
            # What was planned on another grid has no frames on this one.
            self.begun = self.begun or (placement.source is None and placement.epoch is not None)
            self._tokens.write(placement.first_frame, placement.tokens)
            self._sound.write(placement.first_frame, placement.sound)
        if placement.epoch is None:
            self._clips.clear_from(placement.first_bar)
            return
        for bar, clip in enumerate(placement.bar_clips, placement.first_bar):
            self._clips.put(bar, clip)
        self._laid.update(placement.lines)
        for old in [bar for bar in self._laid if bar < placement.first_bar - LAID_BARS]:
            del self._laid[old]

    def cut(self, window: PlanWindow, result: StemResult, first_bar: int, now: int) -> Placement:
        """The bars of a finished plan from `first_bar` on, as one clip."""
        grid, layout = window.grid, window.layout
        audio = to_device_rate(result.audio, grid.rate)
        before = grid.origin_samples + layout.first_frame * (grid.rate // FRAME_RATE)
        clips = []
        for bar in range(first_bar, layout.end_bar):
            lines = [line - before for line in grid.beat_lines(bar)]
            clips.append(
                BarClip(
                    audio=audio[lines[0] : lines[-1]].copy(),
                    lines=tuple(line - lines[0] for line in lines),
                    lead_in=audio[max(0, lines[0] - self._lead_in_samples) : lines[0]].copy(),
                    epoch=window.epoch,
                    plan_bar=bar - layout.first_bar,
                    ready_samples=now,
                )
            )
        first_frame = math.floor(grid.bar_start_frames(first_bar))
        tokens = result.tokens[:, first_frame - layout.first_frame :]
        sound = result.audio.reshape(-1, HOP).T[:, first_frame - layout.first_frame :]
        return self._placement(first_bar, clips, grid, first_frame, tokens, sound)

    def again(self, bar: int, source: int, now: int, fades: bool = False) -> Placement:
        """What sounds in `source` once more in `bar`, perhaps fading out over it.

        `source` must be a bar that has a clip.
        """
        clip = self._clips.get(source)
        assert clip is not None
        again = replace(clip, plan_bar=clip.plan_bar + bar - source, ready_samples=now)
        if fades:
            fade = np.linspace(1.0, 0.0, len(clip.audio), dtype=np.float32)
            again = replace(again, audio=clip.audio * fade)
        placement = self._placement(bar, [again], self.grid, *self._frames_again(bar, source))
        return replace(placement, source=source, fades=fades)

    def quiet(self, first_bar: int, end_bar: int, now: int) -> Placement:
        """Silence over bars first_bar .. end_bar - 1; what was there cross-fades into it."""
        start = self._transport.bar_start_samples(first_bar)
        first_frame = math.floor(self.grid.bar_start_frames(first_bar))
        frames = math.ceil(self.grid.bar_start_frames(end_bar)) - first_frame
        return Placement(
            player=self._player,
            start_samples=start,
            clip=np.zeros(self._transport.bar_start_samples(end_bar) - start, np.float32),
            lead_in=np.zeros(self._lead_in_samples, np.float32),
            first_bar=first_bar,
            bars=end_bar - first_bar,
            bar_clips=(),
            lines={},
            epoch=None,
            plan_bar=0,
            ready_samples=now,
            grid=self.grid,
            first_frame=first_frame,
            tokens=self._tokens.silence(frames),
            sound=self._sound.silence(frames),
            number=next(self._numbers),
        )

    def retime(self, now: int) -> Retimed | None:
        """What is about to sound, on the beats as they lie now; None while it lies well.

        It reaches to the end of the bar after the one it starts in: what is behind has time.
        """
        at = now + round(RETIME_AHEAD_S * self._transport.rate)
        bar = self._transport.bar_at(at)
        if not any(self._astray(each, at) for each in (bar, bar + 1)):
            return None
        first = self._first_laid(bar)
        start = max(at, self._transport.bar_start_samples(first))
        begins = self._laid[first][0]
        if not self._is_laid(first - 1) and at <= begins < start:
            # Nothing sounds before it that would run on up to its line: what it began with there.
            start = max(begins, self._transport.bar_start_samples(first - 1))
        return self.retime_from(start)

    def retime_from(self, sample: int) -> Retimed:
        """What sounds from a stream sample on, on the beats as they lie now.

        There must be a bar that was laid there, or one behind, up to which it is silent.
        """
        bar = self._transport.bar_at(sample)
        bars = [each for each in (bar, bar + 1) if self._is_laid(each)]
        clips = [clip for each in bars if (clip := self._clips.get(each)) is not None]
        lead_in, whole = self._rendered(bars[0], clips)
        skip = sample - self._transport.bar_start_samples(bars[0])
        if skip < 0:
            rise = round(FADE_IN_S * self._transport.rate)
            whole[:rise] *= np.arange(1, rise + 1, dtype=np.float32) / np.float32(rise)
            whole = np.concatenate([np.zeros(-skip, np.float32), whole])
            return Retimed(sample, whole, np.zeros_like(lead_in), self._lines(bars))
        if skip:
            lead_in = whole[max(0, skip - self._lead_in_samples) : skip]
        return Retimed(sample, whole[skip:], lead_in, self._lines(bars))

    def _first_laid(self, bar: int) -> int:
        return bar if self._is_laid(bar) else bar + 1

    def _is_laid(self, bar: int) -> bool:
        return bar in self._laid and self._clips.get(bar) is not None

    def retimed(self, moved: Retimed) -> None:
        """The writer took it."""
        self._laid.update(moved.lines)

    def _lines(self, bars: Iterable[int]) -> dict[int, tuple[int, ...]]:
        return {bar: self._transport.beat_lines(bar) for bar in bars}

    def _astray(self, bar: int, at: int) -> bool:
        """Whether a beat of a bar, from a sample on, was laid elsewhere than it lies now."""
        laid = self._laid.get(bar)
        if laid is None or self._clips.get(bar) is None:
            return False
        lines = self._transport.beat_lines(bar)
        apart = [abs(one - other) for one, other in zip(laid, lines, strict=True) if other >= at]
        return max(apart, default=0) > ASTRAY_S * self._transport.rate

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

    def _placement(
        self,
        first_bar: int,
        clips: Sequence[BarClip],
        grid: Grid,
        first_frame: int,
        tokens: NDArray[np.int16],
        sound: NDArray[np.float32],
    ) -> Placement:
        """Bars, all of one plan, laid on the beats as they lie now."""
        lead_in, clip = self._rendered(first_bar, clips)
        return Placement(
            player=self._player,
            start_samples=self._transport.bar_start_samples(first_bar),
            clip=clip,
            lead_in=lead_in,
            first_bar=first_bar,
            bars=len(clips),
            bar_clips=tuple(clips),
            lines=self._lines(range(first_bar, first_bar + len(clips))),
            epoch=clips[0].epoch,
            plan_bar=clips[0].plan_bar,
            ready_samples=clips[0].ready_samples,
            grid=grid,
            first_frame=first_frame,
            tokens=tokens,
            sound=sound,
            number=next(self._numbers),
        )

    def _rendered(
        self, first_bar: int, clips: Sequence[BarClip]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What leads in, and bars one after another on the beats as they lie now."""
        lead, start = len(clips[0].lead_in), self._transport.bar_start_samples(first_bar)
        sound = np.concatenate([clips[0].lead_in, *(clip.audio for clip in clips)])
        lines, others = [lead], [start]
        for bar, clip in enumerate(clips, first_bar):
            lines += [lines[-1] + line for line in clip.lines[1:]]
            others += self._transport.beat_lines(bar)[1:]
        if lead:  # moved together, so that the one goes over into the other
            lines, others = [0, *lines], [start - lead, *others]
        whole = warped(sound, lines, others, self._transport.rate)
        return whole[:lead], whole[lead:]

    def _frames_again(
        self, bar: int, source: int
    ) -> tuple[int, NDArray[np.int16], NDArray[np.float32]]:
        """First frame, tokens and sound of `bar` when it repeats `source`, to the nearest frame."""
        start = self.grid.bar_start_frames(bar)
        first_frame = math.floor(start)
        end_frame = math.ceil(self.grid.bar_start_frames(bar + 1))
        shift = round(start - self.grid.bar_start_frames(source))
        there = first_frame - shift, end_frame - first_frame
        return first_frame, self._tokens.read(*there), self._sound.read(*there)
