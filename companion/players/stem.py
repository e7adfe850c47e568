"""One player's stem: what it plays bar by bar, as sound and as tokens, and clips cut to bars.

Bars are kept at the tempo they were planned at and laid on the transport's beats when they are
placed, and once more when those beats have moved since.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.clock.warp import warped
from companion.players.clips import BarClip, ClipShelf, FrameGrid, to_device_rate
from companion.players.decision import Laid, Placement, PlanWindow
from model.grid import FRAME_RATE, HOP
from model.request import StemResult

LEAD_IN_S = 0.150
"""Music before a clip's start, for the cross-fade and for a stretch to settle."""
RETIME_AHEAD_S = 0.35
"""How far ahead what is on the timeline is moved: enough for the writer to take it."""
ASTRAY_S = 0.001
"""A beat that was laid so far from where it lies now is moved."""
FADE_IN_S = 0.001
"""Over so long a stem rises from silence that is laid before it."""


class Stem:
    """What was placed on a player's timeline, and the clips that may be next.

    Attributes:
        clips: what sounds, by bar.
        grid: that it is planned on.
        begun: whether anything was placed on this grid, for a plan to go on from.
    """

    def __init__(self, transport: Transport, silence: NDArray[np.int16]) -> None:
        """Nothing placed; `silence` is int16 [4, n], silence in tokens."""
        self._transport, self._silence = transport, silence
        self._lead_in_samples = round(LEAD_IN_S * transport.rate)
        self.clips = ClipShelf()
        self._numbers = count()
        self.regrid(transport.grid())

    def regrid(self, grid: Grid) -> None:
        """Plan on another grid from now on: bars are kept, but no plan goes on from them."""
        self.grid, self.begun = grid, False
        self._tokens = FrameGrid(self._silence)
        self._sound = FrameGrid(np.zeros((HOP, 1), np.float32))

    # --- new clips -----------------------------------------------------------------------------

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
        clip = self.clips.get(source)
        assert clip is not None
        again = replace(clip, plan_bar=clip.plan_bar + bar - source, ready_samples=now)
        if fades:
            fade = np.linspace(1.0, 0.0, len(clip.audio), dtype=np.float32)
            again = replace(again, audio=clip.audio * fade)
        frames = self._frames_again(bar, source)
        return self._placement(bar, [again], self.grid, *frames, source, fades)

    def quiet(self, first_bar: int, end_bar: int) -> Placement:
        """Silence over bars first_bar .. end_bar - 1; what was there cross-fades into it."""
        start = self._transport.bar_start_samples(first_bar)
        first_frame = math.floor(self.grid.bar_start_frames(first_bar))
        frames = math.ceil(self.grid.bar_start_frames(end_bar)) - first_frame
        return Placement(
            start_samples=start,
            clip=np.zeros(self._transport.bar_start_samples(end_bar) - start, np.float32),
            lead_in=np.zeros(self._lead_in_samples, np.float32),
            bar_clips={},
            first_bar=first_bar,
            end_bar=end_bar,
            epoch=None,
            grid=self.grid,
            first_frame=first_frame,
            tokens=self._tokens.silence(frames),
            sound=self._sound.silence(frames),
            number=next(self._numbers),
        )

    def commit(self, placement: Placement) -> None:
        """From now on this is what sounds there."""
        if placement.grid == self.grid:
            # What was planned on another grid has no frames on this one.
            self.begun = self.begun or (placement.source is None and placement.epoch is not None)
            self._tokens.write(placement.first_frame, placement.tokens)
            self._sound.write(placement.first_frame, placement.sound)
        if placement.epoch is None:
            self.clips.clear_from(placement.first_bar)
        self.laid(placement)

    # --- on beats that move --------------------------------------------------------------------

    def retime(self, now: int) -> Laid | None:
        """What is about to sound, on the beats as they lie now; None while it lies well.

        It reaches to the end of the bar after the one it starts in: what is behind has time.
        """
        at = now + round(RETIME_AHEAD_S * self._transport.rate)
        bar = self._transport.bar_at(at)
        if not any(self._astray(each, at) for each in (bar, bar + 1)):
            return None
        clip, following = self.clips.get(bar), self.clips.get(bar + 1)
        first, clip = (bar, clip) if clip is not None else (bar + 1, following)
        assert clip is not None  # else none were astray
        start = max(at, self._transport.bar_start_samples(first))
        begins = clip.laid[0]
        if self.clips.get(first - 1) is None and at <= begins < start:
            # Nothing sounds before it that would run on up to its line: what it began with there.
            start = max(begins, self._transport.bar_start_samples(first - 1))
        return self.retime_from(start)

    def retime_from(self, sample: int) -> Laid:
        """What sounds from a stream sample on, on the beats as they lie now.

        There must be a bar that was laid there, or one behind, up to which it is silent.
        """
        bar = self._transport.bar_at(sample)
        bars = {each: clip for each in (bar, bar + 1) if (clip := self.clips.get(each)) is not None}
        first = min(bars)
        lead_in, whole = self._rendered(first, tuple(bars.values()))
        skip = sample - self._transport.bar_start_samples(first)
        if skip < 0:
            rise = round(FADE_IN_S * self._transport.rate)
            whole[:rise] *= np.arange(1, rise + 1, dtype=np.float32) / np.float32(rise)
            whole = np.concatenate([np.zeros(-skip, np.float32), whole])
            lead_in = np.zeros_like(lead_in)
        elif skip:
            lead_in = whole[max(0, skip - self._lead_in_samples) : skip]
            whole = whole[skip:]
        laid = self._on_their_beats(bars)
        return Laid(start_samples=sample, clip=whole, lead_in=lead_in, bar_clips=laid)

    def laid(self, laid: Laid) -> None:
        """The writer took it: this is where its bars lie."""
        for bar, clip in laid.bar_clips.items():
            self.clips.put(bar, clip)

    def _astray(self, bar: int, at: int) -> bool:
        """Whether a beat of a bar, from a sample on, was laid elsewhere than it lies now."""
        clip = self.clips.get(bar)
        if clip is None:
            return False
        pairs = zip(clip.laid, self._transport.beat_lines(bar), strict=True)
        apart = [abs(laid - line) for laid, line in pairs if line >= at]
        return max(apart, default=0) > ASTRAY_S * self._transport.rate

    def _on_their_beats(self, clips: Mapping[int, BarClip]) -> dict[int, BarClip]:
        """The same clips, laid where their beats lie now."""
        beat_lines = self._transport.beat_lines
        return {bar: replace(clip, laid=beat_lines(bar)) for bar, clip in clips.items()}

    # --- what a plan goes on from --------------------------------------------------------------

    def prefix(
        self, first_frame: int, frames: int, repeats: Mapping[int, int]
    ) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Tokens int16 [4, frames] from `first_frame` on, where nothing was placed silence.

        And what they sound like, float32 [frames * 640], 32 kHz.

        `repeats` says which bars, not placed yet, are going to repeat which others.
        """
        tokens = self._tokens.read(first_frame, frames)
        sound = self._sound.read(first_frame, frames)
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
        start = self.grid.bar_start_frames(bar)
        first_frame = math.floor(start)
        end_frame = math.ceil(self.grid.bar_start_frames(bar + 1))
        shift = round(start - self.grid.bar_start_frames(source))
        there = first_frame - shift, end_frame - first_frame
        return first_frame, self._tokens.read(*there), self._sound.read(*there)

    # --- sound ---------------------------------------------------------------------------------

    def _placement(
        self,
        first_bar: int,
        clips: Sequence[BarClip],
        grid: Grid,
        first_frame: int,
        tokens: NDArray[np.int16],
        sound: NDArray[np.float32],
        source: int | None = None,
        fades: bool = False,
    ) -> Placement:
        """Bars, all of one plan, laid on the beats as they lie now."""
        lead_in, clip = self._rendered(first_bar, clips)
        return Placement(
            start_samples=self._transport.bar_start_samples(first_bar),
            clip=clip,
            lead_in=lead_in,
            bar_clips=self._on_their_beats(dict(enumerate(clips, first_bar))),
            first_bar=first_bar,
            end_bar=first_bar + len(clips),
            epoch=clips[0].epoch,
            grid=grid,
            first_frame=first_frame,
            tokens=tokens,
            sound=sound,
            source=source,
            fades=fades,
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
