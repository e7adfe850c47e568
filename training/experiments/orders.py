"""Orders in which a stem's frames are filled, in training and in decoding alike.

A frame is filled the earlier the lower its share is, under dice: the law of decoding (paper,
Eq. 1) with one weight for every order, so that *causal* and *by confidence* are as strict as each
other. Shares of *random* are all alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.decoding import bias_scale
from model.masking import ORDERED_STEPS
from model.request import DecodeSettings

RANDOM, CAUSAL, CONFIDENCE = "random", "causal", "by confidence"
ORDERS = (RANDOM, CAUSAL, CONFIDENCE)
WEIGHT = DecodeSettings().causal_bias * bias_scale(ORDERED_STEPS)
"""Of the share beside the dice: that of the causal bias in a level of so many decode steps."""


def shares(order: str, free: Tensor, sureness: Tensor | None = None) -> Tensor:
    """Where each frame stands in an order, 0 for the first: float32 [B, T], 0..1.

    Args:
        order: one of `ORDERS`.
        free: frames that are to be filled, bool [B, T]; what others get means nothing.
        sureness: how sure the network is of each frame [B, T]; needed for `CONFIDENCE`.

    Raises:
        ValueError: no such order, or confidence of nobody.
    """
    count = free.sum(1, keepdim=True).clamp(min=1)
    if order == RANDOM:
        return torch.zeros(free.shape, device=free.device)
    if order == CAUSAL:
        return (free.cumsum(1) - 1).clamp(min=0) / count
    if order == CONFIDENCE and sureness is not None:
        place = torch.where(free, -sureness, torch.inf).argsort(dim=1, stable=True).argsort(1)
        return place / count
    raise ValueError(f"order is {order!r}; valid: {', '.join(ORDERS)}, the last with sureness")


def first_frames(share: Tensor, free: Tensor, noise: Tensor, count: Tensor) -> Tensor:
    """The frames that are filled first: bool [B, T].

    Args:
        share: see `shares` [B, T].
        free: frames that are to be filled, bool [B, T].
        noise: dice, uniform on 0..1 [B, T].
        count: how many of each row [B], at most as many as are free.
    """
    late = torch.where(free, WEIGHT * share + noise, torch.inf)
    return late.argsort(dim=1, stable=True).argsort(1) < count[:, None]
