"""The dice of plans: every plan has its own, and the same ones come up again."""

from __future__ import annotations

import hashlib


def plan_seed(session_seed: int, player: int, epoch: int, salt: int) -> int:
    """A plan's seed, 0 .. 2**63 - 1: the same on every machine, unlike for any other plan.

    Args:
        session_seed: of the whole session.
        player: its number.
        epoch: the plan's number.
        salt: how often other dice were asked for.
    """
    text = f"{session_seed}/{player}/{epoch}/{salt}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def alternative_seed(seed: int) -> int:
    """The seed of the other stem of a plan, 0 .. 2**63 - 1."""
    return plan_seed(seed, 0, 0, 0)
