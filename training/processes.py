"""The processes that train one network together, as torchrun starts them; mostly it is one.

Each has a part of every batch. Either each has the whole network and they add up their gradients
(DDP), or each keeps a share of every number, its average and its moments, and they lend each other
what a layer needs while it works (FSDP). Both are torch's own: what would wrap them, such as
Lightning Fabric, brings a checkpoint format of its own, and ours is one plain file whatever number
of processes wrote it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from model.device import has_bfloat16, pick_device
from training.errors import TrainingError

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: while one measures or writes, they do."""


class Processes:
    """This process among those that train together.

    Attributes:
        device: what this one computes on.
        rank: its number, 0 for the one that writes.
        world: how many they are.
    """

    def __init__(self, device: str = "auto", shard: bool = False):
        """Meet the others, if torchrun started this process; `leave` at the end.

        Args:
            device: `auto`, `cuda`, `mps` or `cpu`; of several GPUs each process takes its own.
            shard: keep a share of the network in each process.

        Raises:
            TrainingError: there is nobody to share with.
        """
        self.rank, self.world = 0, 1
        self.device = pick_device(device)
        self._mesh: DeviceMesh | None = None
        started = "WORLD_SIZE" in os.environ and "RANK" in os.environ
        if not started:
            if shard:
                raise TrainingError("shard is on in a process alone; valid: start it with torchrun")
            return
        if self.device.type == "cuda":
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(self.device)
        mine = self.device if self.device.type == "cuda" else None
        backend = "gloo" if mine is None else "nccl"
        distributed.init_process_group(backend, timeout=PATIENCE, device_id=mine)
        self.rank, self.world = distributed.get_rank(), distributed.get_world_size()
        if shard:
            self._mesh = init_device_mesh(self.device.type, (self.world,))

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes and tells."""
        return self.rank == 0

    @property
    def shards(self) -> bool:
        """Whether each process keeps a share of the network only."""
        return self._mesh is not None

    def rows(self, count: int) -> slice:
        """Which of so many windows of a step are this process's."""
        return part_of(count, self.rank, self.world)

    def share(self, module: nn.Module, blocks: Sequence[nn.Module]) -> nn.Module:
        """Keep a share of a module in each process, block by block; else it stays as it is."""
        if self._mesh is None:
            return module
        policy = MixedPrecisionPolicy()
        if self.device.type == "cuda" and has_bfloat16(self.device):
            # What is sent is in bfloat16, what is summed in float32; autocast does the rest.
            policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
        for block in (*blocks, module):
            fully_shard(block, mesh=self._mesh, mp_policy=policy)
        return module

    def together(self, module: nn.Module) -> nn.Module:
        """A module whose gradients are the means over all processes, after `share`."""
        if self.world == 1 or self._mesh is not None:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, devices, broadcast_buffers=False)

    @contextmanager
    def adding(self, module: nn.Module, last: bool) -> Iterator[None]:
        """While gradients are added up part by part; only after the last they are exchanged."""
        if isinstance(module, FSDPModule):
            module.set_requires_gradient_sync(last)
        if isinstance(module, DistributedDataParallel) and not last:
            with module.no_sync():
                yield
        else:
            yield

    def totals(self, values: Sequence[Any]) -> list[float]:
        """Sums over all processes, number by number."""
        if self.world == 1:
            return [float(value) for value in values]
        row = [torch.as_tensor(value, dtype=torch.float64) for value in values]
        summed = torch.stack([value.detach().cpu() for value in row]).to(self.device)
        distributed.all_reduce(summed)
        return [float(value) for value in summed.cpu()]

    def first(self) -> Iterator[bool]:
        """Two rounds: in the first only the process that writes gets True, then all others."""
        yield self.writes
        if self.world > 1:
            distributed.barrier()
        yield not self.writes

    def leave(self) -> None:
        """Part from the others."""
        if distributed.is_initialized():
            distributed.destroy_process_group()


def tells() -> bool:
    """Whether this process is the one that tells, also when the others have been left."""
    return os.environ.get("RANK", "0") == "0"


def part_of(count: int, number: int, parts: int) -> slice:
    """Which of so many things belong to a part, as evenly as may be."""
    return slice(number * count // parts, (number + 1) * count // parts)


def whole(value: Tensor) -> Tensor:
    """A tensor [...] of which processes may keep shares; all of them have to ask."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def shared_as(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor [...], which every process has, as another one is shared."""
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    placed = value.to(like.device)
    return distribute_tensor(placed, like.device_mesh, like.placements, src_data_rank=None)
