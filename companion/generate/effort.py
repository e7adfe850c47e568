"""How much work goes into a plan, and what it does without when there is less time.

In this order: fewer decode steps, down to a few a level; fewer guidance passes, sources that are
turned nearly alike taken together first and no guidance last; then still fewer steps, down to one a
level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import ceil

from model.request import Form
from model.terms import guidance_terms

FEW_STEPS = (4, 4, 2, 1)
"""Fewer steps than these only when there is no pass left to save."""
FEWEST_STEPS = ((3, 3, 2, 1), (2, 2, 1, 1), (1, 1, 1, 1))
SHARES = 16
"""Steps are cut by so many parts of what was wished for."""

Steps = tuple[int, ...]
_Asked = tuple[Steps, tuple[tuple[str, float], ...], Form]
"""An `Effort` that can be looked up."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How one stem is made."""

    steps: Steps  # decode steps of each level, or of whole frames, where that is all there is
    guidance: Mapping[str, float]  # as in `StemRequest`, and so is the form
    form: Form

    @property
    def passes(self) -> int:
        """Passes through the network a step."""
        return len(guidance_terms(self.guidance, self.form))


def ladder(wishes: Sequence[Effort]) -> tuple[tuple[Effort, ...], ...]:
    """What the stems of a plan may be made with, from all that is wished for down to the least.

    Each rung takes no stem more steps or passes than the one before it.
    """
    # Asked many times a second, nearly always for the same wishes.
    return _rungs(tuple((each.steps, tuple(each.guidance.items()), each.form) for each in wishes))


@lru_cache(maxsize=64)
def _rungs(asked: tuple[_Asked, ...]) -> tuple[tuple[Effort, ...], ...]:
    wishes = [Effort(steps, dict(guidance), form) for steps, guidance, form in asked]
    rungs = [tuple(wishes)]
    for thinned in _ways(max(wish.passes for wish in wishes)):
        thinner = tuple(map(thinned, rungs[-1], wishes))
        if thinner != rungs[-1]:
            rungs.append(thinner)
    return tuple(rungs)


def _ways(most_passes: int) -> Iterator[Callable[[Effort, Effort], Effort]]:
    """How to make do with a little less: an effort as it is now, and as it was wished for."""
    for share in range(SHARES - 1, 0, -1):
        yield partial(_with_share, share)
    for passes in range(most_passes - 1, 0, -1):
        yield lambda now, _, most=passes: with_passes(now, most)  # type: ignore[misc]
    for fewest in FEWEST_STEPS:
        yield lambda now, _, most=fewest: _with_steps(now, most)  # type: ignore[misc]


def hurried(effort: Effort) -> Effort:
    """The rest of a stem that is to be finished at once: a step a level."""
    return replace(effort, steps=(1,) * len(effort.steps))


def with_passes(effort: Effort, passes: int) -> Effort:
    """This effort with at most so many passes a step, at least 1."""
    if effort.passes <= passes:
        return effort
    # By contrast, sources of one weight cost one pass between them, and those of weight 1 none.
    guidance = dict(effort.guidance)
    effort = replace(effort, form="contrast")
    while effort.passes > passes:
        guidance = _closer(guidance)
        effort = replace(effort, guidance=guidance)
    return effort


def _closer(guidance: Mapping[str, float]) -> dict[str, float]:
    """Take the two weights that are nearest to each other as one; no guidance where one is left."""
    weights = sorted({weight for weight in guidance.values() if weight != 1.0})
    if len(weights) <= 1:
        return dict.fromkeys(guidance, 1.0)
    low = min(range(len(weights) - 1), key=lambda at: weights[at + 1] - weights[at])
    merged = {weights[low], weights[low + 1]}
    sources = [source for source, weight in guidance.items() if weight in merged]
    mean = sum(guidance[source] for source in sources) / len(sources)
    return {source: mean if source in sources else w for source, w in guidance.items()}


def _with_share(share: int, effort: Effort, wish: Effort) -> Effort:
    few = zip(wish.steps, FEW_STEPS, strict=False)
    return _with_steps(effort, [max(least, ceil(steps * share / SHARES)) for steps, least in few])


def _with_steps(effort: Effort, most: Sequence[int]) -> Effort:
    limited = zip(effort.steps, most, strict=False)
    return replace(effort, steps=tuple(min(now, limit) for now, limit in limited))
