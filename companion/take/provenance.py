"""Where a take comes from: what decides its stems beside the preset, the input and the knobs."""

from __future__ import annotations

from dataclasses import dataclass

PRESET_FILE = "preset.yaml"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a jam knows of itself before it plays.

    Attributes:
        version: of the companion.
        weights: digest of the generator's weights; empty if it has none.
        continues: name of the take that this one goes on from; empty for none.
        bars_before: bars of the set that were played in that one.
    """

    version: str = ""
    weights: str = ""
    continues: str = ""
    bars_before: int = 0
