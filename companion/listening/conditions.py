"""What is compared: where the stem comes from that is mixed with a context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from companion.control.parameters import Value

_NO_GUIDANCE: Mapping[str, Value] = {
    "guidance_audio": 1.0,
    "guidance_instrument": 1.0,
    "guidance_clock": 1.0,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them.

    Attributes:
        name: in the key of a study and in its report.
        text: what the report says it is.
        knobs: what is turned, where the stem is generated; None where it is not.
    """

    name: str
    text: str
    knobs: Mapping[str, Value] | None = field(default=None)


BEST = Condition("best", "the generator as it comes, every knob at its default", {})
NO_GUIDANCE = Condition("no guidance", "the same with all guidance at 1", _NO_GUIDANCE)
NAIVE = Condition(
    "naive",
    "one plain pass a step: no guidance, and no causal bias either",
    {**_NO_GUIDANCE, "causal_bias": 0.0},
)
ANOTHER = Condition(
    "another song", "a stem of another context, brought to this one's tempo, bar on bar"
)
HUMAN = Condition("human", "what a person played to this context")
MUSICGEN = Condition("MusicGen", "MusicGen, told nothing of the context")
CONDITIONS = (BEST, NO_GUIDANCE, NAIVE, ANOTHER, HUMAN, MUSICGEN)
BY_NAME = {condition.name: condition for condition in CONDITIONS}
