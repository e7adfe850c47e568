"""What a run of the codec and one of its decoder share: crops, held-out figures, the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from model.checkpoint import save_codec
from model.frame_codec import FrameCodec
from model.grid import HOP
from training.codec.data import CodecCrops, batches, music_files
from training.loop import LoopSettings, run
from training.songs import song_folders

MUSIC_SHARE = 0.3
"""Share of the crops that are of other recordings, where there are any."""
HELD_OUT_CROPS = 24


@dataclass(frozen=True, slots=True)
class CodecData:
    """What a run trains on.

    Attributes:
        band: a band set; its `train` songs are trained on, `valid` songs measured.
        music: folders of other recordings.
        batch: crops a step, each of `samples`.
        seed: of the crops.
    """

    band: Path
    music: tuple[Path, ...]
    batch: int
    samples: int
    seed: int


class CodecStep(Protocol):
    """A run's step and what it optimises."""

    codec: FrameCodec
    device: torch.device
    steps: int
    peak: float

    @property
    def module(self) -> nn.Module:
        """Everything that a checkpoint has to hold."""
        ...

    @property
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """Those whose moments it has to hold as well."""
        ...

    def step(self, step: int, audio: Tensor, /) -> dict[str, float]:
        """Train on a batch of audio [B, samples]."""
        ...


def run_codec(
    training: CodecStep,
    data: CodecData,
    out: Path,
    settings: dict[str, Any],
    evaluate: Callable[[FrameCodec, torch.device, list[Tensor]], dict[str, float]],
) -> Path:
    """Train from the start or from `out/run.safetensors`; returns the weights file it wrote.

    Args:
        settings: what a resumed run must agree on beside its data and its steps.
        evaluate: held-out figures of crops [samples].

    Raises:
        Stopped: it was interrupted.
    """
    codec = training.codec
    files = music_files(list(data.music)) if data.music else []
    crops = CodecCrops(
        song_folders(data.band, "train"), files, data.samples, data.seed, MUSIC_SHARE
    )
    held_out = CodecCrops(song_folders(data.band, "valid"), [], 250 * HOP, data.seed + 1, 0.0)
    measured = [held_out[i] for i in range(HELD_OUT_CROPS)]
    run(
        LoopSettings(out, training.steps),
        {
            "codec": asdict(codec.config),
            "batch": data.batch,
            "seed": data.seed,
            "peak": training.peak,
            "steps": training.steps,
            **settings,
        },
        training.module,
        list(training.optimizers),
        lambda first: batches(crops, first, data.batch),
        training.step,
        lambda _: evaluate(codec, training.device, measured),
        data.batch * data.samples / codec.sample_rate,
    )
    weights = out / "codec.safetensors"
    save_codec(weights, codec)
    return weights
