"""The loop every training shares: progress, logs, checkpoints; an interruption loses nothing."""

from __future__ import annotations

import ctypes
import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from training.errors import Stopped
from training.state import load_state, save_state


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How long a run is and how often it writes."""

    out: Path
    steps: int
    checkpoint_every_s: float = 180.0
    evaluate_every: int = 500


def prepare_process(threads: int) -> None:
    """Set the processor threads (0: all), and keep freed memory.

    Giving every large tensor back to the system and faulting its pages in again costs a quarter
    of a step on the CPU; glibc is told to keep them. Other libraries need no telling.
    """
    if threads:
        torch.set_num_threads(threads)
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h
    mallopt(mmap_threshold, 1 << 30)
    mallopt(trim_threshold, (1 << 31) - 1)
    mallopt(top_pad, 1 << 28)


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up, then half a cosine down to a fiftieth of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    fraction = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def held_rate(step: int, steps: int, peak: float, warmup: int, hold_share: float) -> float:
    """Linear warm-up, the peak until `hold_share` of the steps, then a line down to a fiftieth."""
    if step < warmup:
        return peak * (step + 1) / warmup
    hold = hold_share * steps
    fallen = max(0.0, step - hold) / max(1.0, steps - hold)
    return peak * (1.0 - 0.98 * min(1.0, fallen))


def step_seed(seed: int, step: int) -> int:
    """One seed for each step of a run: resuming draws what the unbroken run would have drawn."""
    return (seed * 1_000_003 + step * 7_919 + 17) % (2**63)


class Interruption:
    """Ctrl-C or a termination ends the run after the step in progress."""

    def __init__(self) -> None:
        self.asked = False
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def run(
    settings: LoopSettings,
    run_settings: dict[str, Any],
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    batches: Callable[[int], Any],
    train_step: Callable[[int, Any], dict[str, float]],
    evaluate: Callable[[int], dict[str, float]],
    audio_seconds_a_step: float,
) -> None:
    """Train from the last checkpoint in `settings.out` (or from the start) to `settings.steps`.

    Args:
        run_settings: what a resumed run must agree on.
        batches: given the first step, an iterator of batches from that step on.
        train_step: one optimiser step on a batch; returns numbers to log.
        evaluate: held-out figures after a step.

    Raises:
        Stopped: it was interrupted; the same call goes on from there.
    """
    from torch.utils.tensorboard import SummaryWriter  # of the extra, and help is to do without

    checkpoint = settings.out / "run.safetensors"
    step = 0
    if checkpoint.exists():
        step = load_state(checkpoint, module, optimizers, run_settings)
    interruption = Interruption()
    writer = SummaryWriter(str(settings.out / "logs"), purge_step=step)
    log = (settings.out / "log.jsonl").open("a", encoding="utf-8")
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    averages: dict[str, float] = {}
    started, saved_at, first = time.monotonic(), time.monotonic(), step

    def record(kind: str, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            writer.add_scalar(f"{kind}/{name}", value, step)
        line = {"kind": kind, "step": step, "time_s": round(time.monotonic() - started, 1)}
        log.write(json.dumps({**line, **{k: round(v, 5) for k, v in figures.items()}}) + "\n")
        log.flush()

    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task("", total=settings.steps, completed=step)
        for batch in batches(step):
            if step >= settings.steps or interruption.asked:
                break
            figures = train_step(step, batch)
            step += 1
            for name, value in figures.items():
                averages[name] = 0.98 * averages.get(name, value) + 0.02 * value
            speed = (step - first) * audio_seconds_a_step / (time.monotonic() - started)
            text = f"loss {averages['loss']:.3f}  {speed:.0f} s of audio a second"
            progress.update(task, completed=step, description=text)
            if step % 50 == 0:
                record("train", {**averages, "audio_s_per_s": speed})
            if step % settings.evaluate_every == 0 or step == settings.steps:
                record("valid", evaluate(step))
            if time.monotonic() - saved_at > settings.checkpoint_every_s:
                save_state(checkpoint, module, optimizers, step, run_settings)
                saved_at = time.monotonic()
    save_state(checkpoint, module, optimizers, step, run_settings)
    writer.close()
    log.close()
    if step < settings.steps:
        raise Stopped(
            f"stopped at step {step} of {settings.steps}; the same command goes on from there"
        )
