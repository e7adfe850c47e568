"""Guidance from several sources at once (paper, Eq. 3), in three forms.

*Product*, as the paper has it: sum_i w_i log p(t|c_i) + (1 - sum_i w_i) log p(t). At w = 1 it is
a product of experts, which is p(t|c_1, c_2, ...) only if the sources are independent given t.

*Joint*, our departure: log p(t|all) + sum_i (w_i - 1) [log p(t|c_i) - log p(t)]. At w = 1 it is
exactly the conditional, for one pass through the network.

*Contrast*, our departure: log p(t|all) + sum_g (w_g - 1) [log p(t|all) - log p(t|all but g)], where
g are the sources of one weight, taken together. It asks what a source adds to the others, where
*joint* asks what it says alone; and sources that are turned alike cost one pass between them.

All agree when there is one source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Term:
    """One pass through the network: the sources it is given, and its share in the sum."""

    sources: frozenset[str]
    coefficient: float


def guidance_terms(weights: Mapping[str, float], form: str) -> tuple[Term, ...]:
    """The passes that a guided distribution needs; the coefficients sum to 1.

    Args:
        weights: one number from 0 up for each source at hand; 1 is no guidance by it.
        form: `contrast`, `joint` or `product`.

    Raises:
        ValueError: an unknown form.
    """
    nothing: frozenset[str] = frozenset()
    shares: dict[frozenset[str], float] = {}

    def add(sources: frozenset[str], coefficient: float) -> None:
        shares[sources] = shares.get(sources, 0.0) + coefficient

    if form == "product":
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
        raise ValueError(f"guidance form is {form!r}; valid: contrast, joint, product")
    kept = [Term(sources, share) for sources, share in shares.items() if abs(share) > 1e-9]
    return tuple(sorted(kept, key=lambda term: (-len(term.sources), sorted(term.sources))))


def combine(logits: Tensor, terms: tuple[Term, ...]) -> Tensor:
    """Guided log-probabilities from each pass's logits: [P, ..., V] -> [..., V], normalised."""
    shares = torch.tensor([term.coefficient for term in terms], device=logits.device)
    log_probabilities = torch.log_softmax(logits.float(), -1)
    mixed = torch.einsum("p,p...->...", shares, log_probabilities)
    return torch.log_softmax(mixed, -1)
