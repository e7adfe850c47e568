"""The requests of a plan: what is heard, what was played before, how to lean on it, which dice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from companion.control.store import Snapshot
from companion.generate.effort import Effort
from companion.listen.harmony import ChordChange, told_frames
from companion.listen.window import ContextWindow
from companion.players.decision import PlanWindow, Prefix
from companion.players.settings import decode_settings
from companion.players.sounds import Sound
from companion.players.stem import Stem
from companion.take.events import OtherHeard
from model.instruments import instrument_index
from model.request import StemRequest, StemResult


@dataclass(slots=True)
class Told:
    """What a generator is told of a window beside what is heard, the instrument and the clock."""

    chords: Sequence[ChordChange] = ()  # see `Harmony.changes`
    sound: Sound = field(default_factory=lambda: np.zeros(0, np.float32))
    guesses: bool = False  # whether it is told where the context is only guessed


def stem_requests(
    stem: Stem,
    window: PlanWindow,
    given: Prefix,
    context: ContextWindow,
    knobs: Snapshot,
    effort: Effort,
    stems: int = 1,
    told: Told | None = None,
) -> list[StemRequest]:
    """What to ask the generator for; ValueError if a value is outside its range.

    Args:
        stem, knobs: the player's.
        window, given: the plan, and how much of it is there already.
        context: what is heard in the window's frames.
        effort: what there is time for of what the knobs wish for.
        stems: two where there is a choice; they differ in their seed.
        told: what there is beside; None for nothing.
    """
    layout, told = window.layout, told or Told()
    prefix, lead = stem.prefix(layout.first_frame, given.frames, given.repeats)
    first = StemRequest(
        context=context.audio,
        context_known=context.known,
        phase=window.grid.phase(layout.first_frame, layout.frames),
        prefix=prefix,
        lead=lead,
        frames=layout.frames,
        first_frame=layout.first_frame,
        instrument=instrument_index(str(knobs["instrument"])),
        guidance=effort.guidance,
        form=effort.form,
        decode=replace(decode_settings(knobs), steps=effort.steps),
        seed=window.seed,
        context_guessed=context.guessed if told.guesses else np.zeros(0, np.bool_),
        harmony=told_frames(told.chords, layout.frames),
        sound=told.sound,
    )
    return [first, replace(first, seed=alternative_seed(first.seed))][:stems]


def with_others(mix: ContextWindow, others: Iterable[tuple[Stem, OtherHeard]]) -> ContextWindow:
    """A window of the mix, and what other players are going to play in it."""
    audio = mix.audio
    for stem, other in others:
        sound = stem.prefix(mix.first_frame, mix.frames, other.repeats)[1]
        audio = audio + np.float32(other.gain) * sound
    return replace(mix, audio=audio)


def request_digest(request: StemRequest) -> str:
    """16 characters that tell two requests apart, whatever differs in them."""
    hashed = hashlib.blake2b(digest_size=8)
    for array in (request.context, request.context_known, request.phase, request.prefix):
        hashed.update(array.tobytes())
    for array in (request.lead, request.context_guessed, request.harmony, request.sound):
        hashed.update(array.tobytes())
    rest = (request.instrument, sorted(request.guidance.items()), request.form, request.seed)
    hashed.update(repr((rest, request.decode, request.first_frame)).encode())
    return hashed.hexdigest()


def result_digest(result: StemResult) -> str:
    """16 characters that tell two stems apart."""
    hashed = hashlib.blake2b(result.tokens.tobytes(), digest_size=8)
    hashed.update(result.audio.tobytes())
    return hashed.hexdigest()


def plan_seed(session_seed: int, player: int, epoch: int, salt: int) -> int:
    """The seed of a player's plan, 0 .. 2**63 - 1, after `salt` times other dice were asked for.

    It is the same on every machine, and another for every other plan.
    """
    text = f"{session_seed}/{player}/{epoch}/{salt}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def alternative_seed(seed: int) -> int:
    """The seed of the other stem of a plan, 0 .. 2**63 - 1."""
    return plan_seed(seed, 0, 0, 0)
