"""The request of one plan: what is heard, what was played before, and how to lean on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from companion.players.decision import PlanWindow, Prefix
from companion.players.stem import Stem
from model.request import DecodeSettings, Form, StemRequest, StemResult

if TYPE_CHECKING:
    from companion.listen.window import ContextWindow


def stem_request(
    stem: Stem,
    window: PlanWindow,
    given: Prefix,
    context: ContextWindow,
    instrument: int,
    guidance: Mapping[str, float],
    form: Form,
    decode: DecodeSettings,
) -> StemRequest:
    """What to ask the generator for; ValueError if a value is outside its range.

    Args:
        stem: the player's, for the window's prefix.
        window: the plan.
        given: how much of it is there already.
        context: what is heard in the window's frames.
        instrument, guidance, form, decode: see `StemRequest`.
    """
    layout = window.layout
    prefix, lead = stem.prefix(layout.first_frame, given.frames, given.repeats)
    return StemRequest(
        context=context.audio,
        context_known=context.known,
        phase=window.grid.phase(layout.first_frame, layout.frames),
        prefix=prefix,
        lead=lead,
        frames=layout.frames,
        first_frame=layout.first_frame,
        instrument=instrument,
        guidance=guidance,
        form=form,
        decode=decode,
        seed=window.seed,
    )


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
