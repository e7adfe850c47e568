"""What a run is made of: lengths, rates, weights, and the sizes of network that are trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from model.network import NetworkConfig
from model.request import SOURCES
from training.errors import TrainingError
from training.loop import held_rate

FLOOR = 0.02
"""What is left of the rate when it has fallen."""


@dataclass(frozen=True, slots=True)
class StemgenSettings:
    """What a run is made of; a resumed run must agree on it."""

    steps: int
    frames_a_step: int = 4096
    """In all processes together."""
    short_frames: int = 256
    short_share: float = 0.75
    """Share of the steps, at the start, with short windows; then the network's full length."""
    peak: float = 2e-3
    """Learning rate after the warm-up, until `hold_share` of the steps; then it falls."""
    hold_share: float = 0.1
    fine_share: float = 0.34
    """Share of the masked frames whose finer levels are learnt in a step, of a network in depth."""
    fine_weight: float = 0.4
    """How much the loss of each finer level counts there, beside the first's."""
    average: float = 0.999
    """What stays of the running average of the weights at each step; it is what is kept."""
    pitch_weight: float = 0.5
    """How much the error in the pitches of what is masked counts beside the tokens' loss."""
    weight_decay: float = 0.05
    seed: int = 1
    warmup: int = 100
    """Steps in which the learning rate rises."""
    fall_steps: int = 0
    """Steps in which it falls to a fiftieth exponentially; 0: in a line, until the end."""
    optimizer: str = "muon"
    """Of the matrices within the network: `muon` or `adamw`."""

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        hold = self.hold_share * self.steps
        if self.fall_steps and step >= max(hold, self.warmup):
            return self.peak * FLOOR ** ((step - hold) / self.fall_steps)
        return held_rate(step, self.steps, self.peak, self.warmup, self.hold_share)

    def told(self) -> dict[str, Any]:
        """By name, for the checkpoint; what is younger than some runs only where it is used."""
        young = {
            field.name: field.default
            for field in fields(self)
            if field.name in ("warmup", "fall_steps", "optimizer")
        }
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in young or value != young[name]
        }


@dataclass(frozen=True, slots=True)
class Size:
    """A network and how it is trained.

    Attributes:
        layers: of a transformer; other trunks have as many more or fewer as `BACKBONES` says.
        steps: how long a run is, unless it is told.
        settings: what of `StemgenSettings` is not the default.
    """

    network: NetworkConfig
    steps: int
    settings: dict[str, Any]


SIZES = {
    "own": Size(
        NetworkConfig(width=320, heads=5, layers=6, context="features", sources=SOURCES), 3000, {}
    ),
    "paper": Size(
        NetworkConfig(
            width=1024,
            heads=16,
            layers=20,
            frames=1000,
            context="tokens",
            sources=("audio", "instrument", "clock"),
        ),
        150_000,
        {
            "frames_a_step": 40_000,  # 40 crops of 20 s
            "short_share": 0.0,
            "peak": 5e-4,
            "warmup": 10_000,
            "hold_share": 0.4,  # 10,000 steps up, 50,000 held
            "fall_steps": 300_000,
            "optimizer": "adamw",
        },
    ),
    "tiny": Size(
        NetworkConfig(width=32, heads=2, layers=2, frames=64, context="features", sources=SOURCES),
        200,
        {"frames_a_step": 512, "short_frames": 32},
    ),
}
"""`own`: what the bundled weights are. `paper`: that of arXiv 2312.08723, with the clock as a third
source, 250 M parameters; to what its rate falls is not told there. `tiny`: to see, in a minute,
whether data trains at all; it makes no music."""


def find_size(name: str) -> Size:
    """The size of a name; TrainingError names those that there are."""
    if name not in SIZES:
        raise TrainingError(f"size is {name!r}; valid: {', '.join(SIZES)}")
    return SIZES[name]
