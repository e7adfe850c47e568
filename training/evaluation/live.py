"""A stem made as the rig makes it: a plan each bar, of what was heard by then.

The rig's rules, without its threads and devices: when a plan is begun, what it hears in place of
bars not yet played, which of its own bars it goes on from, and what of it sounds. Every plan is
taken to be ready in time, so of each one the first bar sounds.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint import LoadedCodec
from model.generator import StemGenerator
from model.grid import HOP, LEVELS, SAMPLE_RATE
from model.network import StemNetwork
from model.request import HARMONY_WIDTH, SOURCES, StemRequest
from model.sources import Sources
from training.evaluation.examples import CYCLE
from training.evaluation.fit import Audio
from training.evaluation.held_out import BarGrid
from training.evaluation.scenarios import Scenario, Variant
from training.stemgen.shards import clock_phase

LEAD_S = 1.0
"""How long before a bar its sound must be there."""
PLAN_S = 1.1
"""How long a plan is taken to last: what it does on one core."""
WINDOWS = ((2, 4), (2, 3), (2, 2), (1, 2), (1, 1))
"""Bars before a plan and planned bars, the first pair that fits is taken."""
JOIN_S = 0.004
"""Where two bars that were not played in a row are heard in a row, a cross-fade over this long."""
CROSS_FADE_S = 0.030
FADE_IN_S = 0.001
"""A plan fades into the next over so long before its bar line; the first one fades in."""

Tokens = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Stem:
    """A stem in tokens int16 [4, frames] and as sound [samples] at 32 kHz."""

    tokens: Tokens
    audio: Audio


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Music to play along with.

    Attributes:
        context: the mix [samples] at 32 kHz from bar 0 on.
        grid: its bars.
        instrument: class of the stem, an index into `model.instruments.INSTRUMENTS`.
        first_bar: the first bar that is played; those before are only heard.
        end_bar: the bar after the last.
        seed: of the session, 0 or more.
        harmony: float32 [frames, 24] from bar 0 on, the chord of each frame, see `StemRequest`;
            [0, 24] where no chart is given.
        sound: float32 [width], what the stem is to sound like, see `StemRequest`; [0] for any.
    """

    context: Audio
    grid: BarGrid
    instrument: int
    first_bar: int
    end_bar: int
    seed: int
    harmony: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, HARMONY_WIDTH), np.float32)
    )
    sound: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def plan_seed(self, bar: int) -> int:
        """The seed of the plan for a bar, 0 .. 2**63 - 1."""
        text = f"{self.seed}/{bar}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


class ClocklessNetwork(StemNetwork):
    """A network that is never told beat and bar.

    Guidance by the clock of weight 0 is not enough: by contrast, guidance by the audio still asks
    what the audio adds to the clock.
    """

    def condition(self, sources: Sources, guidance: torch.Tensor | None = None) -> torch.Tensor:
        """As that of `StemNetwork`, [B, T, width], whatever phase it is given."""
        return super().condition(sources.only(set(SOURCES) - {"clock"}), guidance)


@lru_cache(maxsize=1)
def without_clock(generator: StemGenerator) -> StemGenerator:
    """The same generator, which does not hear the clock."""
    network = ClocklessNetwork(generator.network.config)
    network.load_state_dict(generator.network.state_dict())
    codec: LoadedCodec = generator.codec
    return StemGenerator(codec, network.eval(), generator.torch_device)


def play_whole(
    generator: StemGenerator, session: Session, scenario: Scenario, variant: Variant
) -> Stem:
    """A stem for the bars from `first_bar` on, all of which are heard, in one plan."""
    samples = session.grid.start_samples(session.end_bar - session.first_bar)
    result = generator.start(whole_request(session, variant)).result()
    return Stem(result.tokens, result.audio[:samples])


def whole_request(session: Session, variant: Variant) -> StemRequest:
    """What the generator is asked where all is heard at once, from `first_bar` on."""
    grid, bars = session.grid, session.end_bar - session.first_bar
    start = grid.start_samples(session.first_bar)
    frames = math.ceil(grid.start_frames(bars))
    context = np.zeros(frames * HOP, np.float32)
    heard = session.context[start : start + len(context)]
    context[: len(heard)] = heard
    return StemRequest(
        context=context,
        context_known=np.ones(frames, np.bool_),
        phase=clock_phase(grid.tempo, grid.beats_per_bar, 0, frames).numpy(),
        prefix=np.zeros((LEVELS, 0), np.int16),
        frames=frames,
        instrument=session.instrument,
        guidance=variant.guidance,
        form=variant.form,
        decode=variant.decode,
        seed=session.plan_seed(session.first_bar),
        harmony=_chords(session, math.floor(grid.start_frames(session.first_bar)), frames),
        sound=session.sound,
    )


def play_live(
    generator: StemGenerator, session: Session, scenario: Scenario, variant: Variant
) -> Stem:
    """What would have sounded in the bars from `first_bar` on."""
    grid = session.grid
    frames = math.ceil(grid.start_frames(session.end_bar))
    tokens = generator.silence(frames)
    sound = np.zeros(frames * HOP, np.float32)
    output = np.zeros((frames + 1) * HOP, np.float32)
    for bar in range(session.first_bar, session.end_bar):
        request, first_frame = plan_request(
            session, bar, tokens, sound, scenario, variant, generator.max_frames
        )
        result = generator.start(request).result()
        # What is new goes over what older plans had there, from the frame that the bar starts in.
        new, end = math.floor(grid.start_frames(bar)), first_frame + request.frames
        tokens[:, new:end] = result.tokens[:, new - first_frame :]
        sound[new * HOP : end * HOP] = result.audio[(new - first_frame) * HOP :]
        _place(output, result.audio, first_frame * HOP, grid.start_samples(bar))
    first = math.floor(grid.start_frames(session.first_bar))
    samples = grid.start_samples(session.end_bar - session.first_bar)
    return Stem(tokens[:, first:], output[grid.start_samples(session.first_bar) :][:samples])


def plan_request(
    session: Session,
    bar: int,
    tokens: Tokens,
    sound: Audio,
    scenario: Scenario,
    variant: Variant,
    max_frames: int,
) -> tuple[StemRequest, int]:
    """What the generator is asked when a bar is planned, and the first frame of the window.

    The window ends with the session, where nothing more is needed of a plan.

    Args:
        session: the music.
        bar: the first bar of the plan.
        tokens: int16 [4, frames] from bar 0 on: what was played, silence where nothing was.
        sound: what it sounds like [frames * 640].
        scenario: what is heard.
        variant: how it decodes.
        max_frames: longest window of the generator.
    """
    grid = session.grid
    start = grid.start_frames(bar)
    first_frame, end_frame = lay_out(grid, bar, session.end_bar, max_frames)
    horizon = horizon_bar(grid, bar)
    audio, known = heard_by(
        session.context, grid, horizon, end_frame, CYCLE if scenario.cycle else None
    )
    guessed = known & (np.arange(end_frame) >= float(grid.start_frames(horizon)))
    # A player that has not played yet gives no prefix, or it would go on with silence.
    played = bar > session.first_bar
    prefix_end = math.floor(start) if played else first_frame
    request = StemRequest(
        context=audio[first_frame * HOP :],
        context_known=known[first_frame:],
        phase=clock_phase(
            grid.tempo, grid.beats_per_bar, first_frame, end_frame - first_frame
        ).numpy(),
        prefix=tokens[:, first_frame:prefix_end].copy(),
        lead=sound[first_frame * HOP : prefix_end * HOP].copy(),
        frames=end_frame - first_frame,
        first_frame=first_frame,
        instrument=session.instrument,
        guidance=variant.guidance,
        form=variant.form,
        decode=variant.decode,
        seed=session.plan_seed(bar),
        context_guessed=guessed[first_frame:],
        harmony=_chords(session, first_frame, end_frame - first_frame),
        sound=session.sound,
    )
    return request, first_frame


def _chords(session: Session, first_frame: int, frames: int) -> NDArray[np.float32]:
    """The chords of a window as a request tells them; [0, 24] where no chart is given."""
    return session.harmony[first_frame : first_frame + frames].copy()


def horizon_bar(grid: BarGrid, bar: int) -> int:
    """The bar line at which the plan for a bar is begun: what comes after it is not heard."""
    return bar - math.ceil((LEAD_S + PLAN_S) / grid.bar_s)


def lay_out(grid: BarGrid, bar: int, end_bar: int, max_frames: int) -> tuple[int, int]:
    """First frame, and the frame after the last, of the window of the plan for a bar.

    Raises:
        ValueError: not even one bar and the one before it fit.
    """
    for before, bars in WINDOWS:
        first_frame = math.floor(grid.start_frames(max(0, bar - before)))
        if math.ceil(grid.start_frames(bar + bars)) - first_frame <= max_frames:
            return first_frame, math.ceil(grid.start_frames(min(bar + bars, end_bar)))
    raise ValueError(
        f"two bars at {grid.tempo:g} BPM are {float(2 * grid.bar_frames):g} frames; "
        f"valid: up to {max_frames}"
    )


def heard_by(
    context: Audio, grid: BarGrid, horizon: int, frames: int, cycle: int | None
) -> tuple[Audio, NDArray[np.bool_]]:
    """What is heard of a mix by a bar line, as audio [frames * 640] and known [frames].

    Bars from the horizon on are heard as the latest bar, a number of cycles earlier, that is over;
    where there is none, or no cycle at all, they are silence and not known.

    Args:
        context: the mix [samples] from bar 0 on; nothing after the horizon is looked at.
        grid: its bars.
        horizon: the bar that has just begun.
        frames: how much is asked for.
        cycle: bars after which the music repeats, None if nothing is to stand in.
    """
    past = context[: grid.start_samples(horizon)]
    audio = np.zeros(frames * HOP, np.float32)
    known = np.zeros(frames * HOP, np.bool_)
    kept = min(len(past), len(audio))
    audio[:kept], known[:kept] = past[:kept], True
    bar = horizon
    while grid.start_samples(bar) < len(audio):
        source = -1 if cycle is None else bar - cycle * max(1, -((horizon - 1 - bar) // cycle))
        at, end = grid.start_samples(bar), min(grid.start_samples(bar + 1), len(audio))
        fade = min(round(JOIN_S * SAMPLE_RATE), at)
        sound = _stand_in(past, grid.start_samples(source) - fade, fade + end - at, source >= 0)
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1))
        audio[at - fade : at] += rise * (sound[:fade] - audio[at - fade : at])
        audio[at:end], known[at:end] = sound[fade:], source >= 0
        bar += 1
    return audio, known.reshape(-1, HOP).sum(1) * 2 >= HOP


def _stand_in(past: Audio, start: int, samples: int, there: bool) -> Audio:
    """So many samples of the past from `start` on, silence where there are none."""
    sound = np.zeros(samples, np.float32)
    if there:
        kept = past[max(0, start) : start + samples]
        sound[max(0, -start) :][: len(kept)] = kept
    return sound


def _place(output: Audio, plan: Audio, plan_start: int, start: int) -> None:
    """Put a plan [samples] on the output from a bar line on, and fade into it."""
    new = plan[start - plan_start :]
    fade = round(CROSS_FADE_S * SAMPLE_RATE)
    before = output[start - fade : start]
    lead_in = plan[start - plan_start - fade : start - plan_start]
    joined = bool(before.any())
    output[start : start + len(new)] = new
    if joined and len(lead_in) == fade:
        weight = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade).astype(np.float32) ** 2
        before += weight * (lead_in - before)
    else:
        size = round(FADE_IN_S * SAMPLE_RATE)
        output[start : start + size] *= np.arange(1, size + 1, dtype=np.float32) / size
