"""Guidance from several sources at once (paper, Eq. 3), in three forms.

*Product*, as the paper has it: sum_i w_i log p(t|c_i) + (1 - sum_i w_i) log p(t). At w = 1 it is
a product of experts, which is p(t|c_1, c_2, ...) only if the sources are independent given t.

*Joint*, our departure: log p(t|all) + sum_i (w_i - 1) [log p(t|c_i) - log p(t)]. At w = 1 it is
exactly the conditional, for one pass through the network.

*Contrast*, our departure: log p(t|all) + sum_g (w_g - 1) [log p(t|all) - log p(t|all but g)], where
g are the sources of one weight, taken together. It asks what a source adds to the others, where
*joint* asks what it says alone; and sources that are turned alike cost one pass between them.

All agree when there is one source. *Distilled* is one pass of a network that is told the weights
and has learnt to give what contrast gives.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.terms import Term, guidance_terms

__all__ = ["Term", "combine", "guidance_terms"]


def combine(logits: Tensor, terms: tuple[Term, ...]) -> Tensor:
    """Guided log-probabilities from each pass's logits: [P, ..., V] -> [..., V], normalised."""
    shares = torch.tensor([term.coefficient for term in terms], device=logits.device)
    log_probabilities = torch.log_softmax(logits.float(), -1)
    mixed = torch.einsum("p,p...->...", shares, log_probabilities)
    return torch.log_softmax(mixed, -1)
