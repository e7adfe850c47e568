"""A training run on disk: one safetensors file that resumes it exactly.

Modules, optimiser moments and the step are stored; no random state is, because every random
draw of a run is a function of its seed and the step. Tensors are stored whole: any number of
processes may go on with what any other number wrote.
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
from training.processes import shared_as, whole


def save_state(
    path: Path,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    step: int,
    settings: dict[str, Any],
    writes: bool = True,
) -> None:
    """Write the run after `step` steps; the file appears whole or not at all.

    Args:
        writes: False in the processes that only lend their shares.
    """
    tensors: dict[str, Tensor] = {f"module/{k}": v for k, v in module.state_dict().items()}
    for index, optimizer in enumerate(optimizers):
        for number, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"optimizer/{index}/{number}/{name}"] = torch.as_tensor(value)
    kept = {}
    for key, value in tensors.items():
        full = whole(value.detach())
        if writes:
            # Shared tensors (a buffer that views another) are not allowed in one file: copies are.
            kept[key] = full.cpu().clone().contiguous()
    if not writes:
        return
    metadata = {"step": str(step), "settings": json.dumps(settings, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(kept, part, metadata)
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
    _load_module(path, module, tensors)
    for index, optimizer in enumerate(optimizers):
        _load_optimizer(optimizer, f"optimizer/{index}/", tensors)
    return int(metadata["step"])


def _load_module(path: Path, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    own = module.state_dict()
    told = {k.removeprefix("module/"): v for k, v in tensors.items() if k.startswith("module/")}
    # A buffer that the file has not is younger than the run, and stays as it is.
    buffers = {name for name, _ in module.named_buffers()}
    if own.keys() - buffers - told.keys() or told.keys() - own.keys():
        raise TrainingError(f"checkpoint {path} is of another network; use another --out")
    module.load_state_dict(
        {name: shared_as(value, own[name]) for name, value in told.items()}, strict=False
    )


def _load_optimizer(
    optimizer: torch.optim.Optimizer, prefix: str, tensors: dict[str, Tensor]
) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            number, name = key.removeprefix(prefix).split("/")
            placed = shared_as(value, parameters[int(number)])
            state.setdefault(int(number), {})[name] = placed
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
