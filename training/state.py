"""A training run on disk: one safetensors file that resumes it exactly.

Modules, optimiser moments and the step are stored; no random state is, because every random
draw of a run is a function of its seed and the step.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from training.errors import TrainingError


def save_state(
    path: Path,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    step: int,
    settings: dict[str, Any],
) -> None:
    """Write the run after `step` steps; the file appears whole or not at all."""
    tensors: dict[str, Tensor] = {f"module/{k}": v for k, v in module.state_dict().items()}
    for index, optimizer in enumerate(optimizers):
        for number, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"optimizer/{index}/{number}/{name}"] = torch.as_tensor(value)
    metadata = {"step": str(step), "settings": json.dumps(settings, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    # Shared tensors (a buffer that views another) are not allowed in one file: copies are.
    save_file(
        {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, part, metadata
    )
    os.replace(part, path)


def load_state(
    path: Path,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    settings: dict[str, Any],
) -> int:
    """Put the run back and return its step.

    Raises:
        TrainingError: the file is no such checkpoint, or was written with other settings.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"checkpoint {path} cannot be read ({error})") from error
    if "step" not in metadata:
        raise TrainingError(f"checkpoint {path} is not a training checkpoint")
    stored = json.loads(metadata["settings"])
    for key in sorted(stored.keys() | settings.keys()):
        if stored.get(key) != json.loads(json.dumps(settings.get(key))):
            raise TrainingError(
                f"checkpoint {path} was written with {key}={stored.get(key)!r}, "
                f"this run has {key}={settings.get(key)!r}; use the same, or another --out"
            )
    module.load_state_dict(
        {k.removeprefix("module/"): v for k, v in tensors.items() if k.startswith("module/")}
    )
    for index, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        prefix = f"optimizer/{index}/"
        for key, value in tensors.items():
            if key.startswith(prefix):
                number, name = key.removeprefix(prefix).split("/")
                state.setdefault(int(number), {})[name] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return int(metadata["step"])
