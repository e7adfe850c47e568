"""What the values of the knobs mean to the generator and to the mixer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from companion.control.parameters import Value
from companion.control.store import Snapshot
from companion.generate.effort import Effort
from model.request import ALWAYS_GUIDED, DecodeSettings, Form

OFF_DB = -60.0
"""The bottom of a level knob: silence."""


def guidance_of(knobs: Snapshot, sources: Iterable[str] = ALWAYS_GUIDED) -> dict[str, float]:
    """Guidance by source from a player's knobs, of `model.request.SOURCES`."""
    return {source: float(knobs[f"guidance_{source}"]) for source in sources}


def form_of(knobs: Snapshot, guided: bool = False) -> Form:
    """How guidance is combined, from a player's knobs.

    Args:
        guided: whether the generator has learnt to be; one that has not is guided by contrast.
    """
    form = cast(Form, knobs["guidance_form"])  # the table takes no other
    return "contrast" if form == "distilled" and not guided else form


def decode_settings(knobs: Snapshot, in_depth: bool = False) -> DecodeSettings:
    """How to decode, from a player's knobs.

    Where levels are decoded one by one the second takes as many steps as the first: it tells much
    of the pitch.

    Args:
        in_depth: whole frames are filled, and there are no steps but those of the first level.
    """
    steps = int(knobs["steps"])
    finer = () if in_depth else (steps, max(1, steps // 2), max(1, steps // 4))
    return DecodeSettings(
        steps=(steps, *finer),
        causal_bias=float(knobs["causal_bias"]),
        confidence=float(knobs["confidence"]),
        randomness=float(knobs["randomness"]),
        temperature=float(knobs["temperature"]),
    )


def effort_of(knobs: Snapshot, sources: Iterable[str], in_depth: bool, guided: bool) -> Effort:
    """How much work a player's knobs wish for.

    Args:
        knobs: of the player.
        sources: what the generator is told, of `model.request.SOURCES`.
        in_depth: as in `model.abilities.Abilities`, and so is `guided`.
    """
    steps = decode_settings(knobs, in_depth).steps
    return Effort(steps, guidance_of(knobs, sources), form_of(knobs, guided))


def stem_count(knobs: Snapshot) -> int:
    """How many stems a player asks for at once: two where there is a choice."""
    return 1 if knobs["take"] == "off" else 2


def gain_of(level_db: Value) -> float:
    """Decibels to a linear gain."""
    return 0.0 if float(level_db) <= OFF_DB else 10 ** (float(level_db) / 20)
