"""Processes that meet as torchrun lets them, without its seconds of starting up."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

import torch

PATIENCE_S = 300.0


def run_together(world: int, work: Callable[..., None], *args: Any) -> list[int | None]:
    """Call `work` in so many processes that know of each other; their exit codes.

    Where one dies the others are ended, too. A process alone is told of nobody.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["training.stemgen.run", "torch.utils.tensorboard"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        context.Process(target=_process, args=(rank, world, port, work, args), daemon=True)
        for rank in range(world)
    ]
    for process in processes:
        process.start()
    try:
        for process in reversed(processes):
            process.join(PATIENCE_S)
            if process.exitcode != 0:
                break
    finally:
        for process in processes:
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def _process(
    rank: int, world: int, port: int, work: Callable[..., None], args: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    if world > 1:
        os.environ |= {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(world),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
    work(*args)
