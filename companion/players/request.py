"""The requests of a plan: what is heard, what was played before, and how to lean on it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from companion.control.store import Snapshot
from companion.generate.effort import Effort
from companion.listen.window import ContextWindow
from companion.players.decision import PlanWindow, Prefix
from companion.players.seeds import alternative_seed
from companion.players.settings import decode_settings
from companion.players.stem import Stem
from model.instruments import instrument_index
from model.request import StemRequest, StemResult


def stem_requests(
    stem: Stem,
    window: PlanWindow,
    given: Prefix,
    context: ContextWindow,
    knobs: Snapshot,
    effort: Effort,
    stems: int = 1,
) -> list[StemRequest]:
    """What to ask the generator for; ValueError if a value is outside its range.

    Args:
        stem: the player's, for the window's prefix.
        window: the plan.
        given: how much of it is there already.
        context: what is heard in the window's frames.
        knobs: the player's.
        effort: what there is time for of what they wish for.
        stems: two where there is a choice; they differ in their seed.
    """
    layout = window.layout
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
    )
    return [first, replace(first, seed=alternative_seed(first.seed))][:stems]


def request_digest(request: StemRequest) -> str:
    """16 characters that tell two requests apart, whatever differs in them."""
    hashed = hashlib.blake2b(digest_size=8)
    for array in (request.context, request.context_known, request.phase, request.prefix):
        hashed.update(array.tobytes())
    hashed.update(request.lead.tobytes())
    rest = (request.instrument, sorted(request.guidance.items()), request.form, request.seed)
    hashed.update(repr((rest, request.decode, request.first_frame)).encode())
    return hashed.hexdigest()


def result_digest(result: StemResult) -> str:
    """16 characters that tell two stems apart."""
    hashed = hashlib.blake2b(result.tokens.tobytes(), digest_size=8)
    hashed.update(result.audio.tobytes())
    return hashed.hexdigest()
