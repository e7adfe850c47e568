"""Which passes a guided distribution needs (see `model.guidance`): arithmetic alone, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """One pass through the network: the sources it is given, and its share in the sum."""

    sources: frozenset[str]
    coefficient: float


def guidance_terms(weights: Mapping[str, float], form: str) -> tuple[Term, ...]:
    """The passes that a guided distribution needs; the coefficients sum to 1.

    Args:
        weights: one number from 0 up for each source at hand; 1 is no guidance by it.
        form: one of `model.request.FORMS`; `distilled` is of a network that is told the weights.

    Raises:
        ValueError: an unknown form.
    """
    nothing: frozenset[str] = frozenset()
    shares: dict[frozenset[str], float] = {}

    def add(sources: frozenset[str], coefficient: float) -> None:
        shares[sources] = shares.get(sources, 0.0) + coefficient

    if form == "distilled":
        add(frozenset(weights), 1.0)
    elif form == "product":
        for source, weight in weights.items():
            add(frozenset({source}), weight)
        add(nothing, 1.0 - sum(weights.values()))
    elif form == "joint":
        add(frozenset(weights), 1.0)
        for source, weight in weights.items():
            add(frozenset({source}), weight - 1.0)
            add(nothing, 1.0 - weight)
    elif form == "contrast":
        everything = frozenset(weights)
        add(everything, 1.0)
        for weight in sorted(set(weights.values())):
            group = frozenset(source for source, other in weights.items() if other == weight)
            add(everything, weight - 1.0)
            add(everything - group, 1.0 - weight)
    else:
        raise ValueError(f"guidance form is {form!r}; valid: distilled, contrast, joint, product")
    kept = [Term(sources, share) for sources, share in shares.items() if abs(share) > 1e-9]
    return tuple(sorted(kept, key=lambda term: (-len(term.sources), sorted(term.sources))))
