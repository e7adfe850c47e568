"""What the values of the knobs mean to the generator and to the mixer."""

from __future__ import annotations

from typing import cast

from companion.control.parameters import Value
from companion.control.store import Snapshot
from companion.generate.effort import Effort
from model.request import ALWAYS_GUIDED, DecodeSettings, Form

OFF_DB = -60.0
"""The bottom of a level knob: silence."""


def guidance_of(knobs: Snapshot) -> dict[str, float]:
    """Guidance by source from a player's knobs."""
    return {source: float(knobs[f"guidance_{source}"]) for source in ALWAYS_GUIDED}


def form_of(knobs: Snapshot) -> Form:
    """How guidance is combined, from a player's knobs."""
    return cast(Form, knobs["guidance_form"])  # the table takes no other


def decode_settings(knobs: Snapshot) -> DecodeSettings:
    """How to decode, from a player's knobs.

    The second level takes as many steps as the first: it tells much of the pitch.
    """
    steps = int(knobs["steps"])
    return DecodeSettings(
        steps=(steps, steps, max(1, steps // 2), max(1, steps // 4)),
        causal_bias=float(knobs["causal_bias"]),
        confidence=float(knobs["confidence"]),
        randomness=float(knobs["randomness"]),
        temperature=float(knobs["temperature"]),
    )


def effort_of(knobs: Snapshot) -> Effort:
    """How much work a player's knobs wish for."""
    return Effort(decode_settings(knobs).steps, guidance_of(knobs), form_of(knobs))


def gain_of(level_db: Value) -> float:
    """Decibels to a linear gain."""
    return 0.0 if float(level_db) <= OFF_DB else 10 ** (float(level_db) / 20)
