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
from training.processes import Processes
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
        return peak * ((step + 1) / warmup)
    fraction = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def held_rate(step: int, steps: int, peak: float, warmup: int, hold_share: float) -> float:
    """Linear warm-up, the peak until `hold_share` of the steps, then a line down to a fiftieth."""
    if step < warmup:
        return peak * ((step + 1) / warmup)
    hold = hold_share * steps
    fallen = max(0.0, step - hold) / max(1.0, steps - hold)
    return peak * (1.0 - 0.98 * min(1.0, fallen))


def step_seed(seed: int, step: int) -> int:
    """One seed for each step of a run: resuming draws what the unbroken run would have drawn."""
    return (seed * 1_000_003 + step * 7_919 + 17) % (2**63)


@dataclass(slots=True)
class Work:
    """What a run has worked through, in all processes, to tell how fast it is.

    Attributes:
        peak: what the machine can do, floating-point operations a second; 0 if nobody measured.
    """

    peak: float = 0.0
    frames: float = 0.0
    flops: float = 0.0

    def add(self, frames: float, flops: float) -> None:
        """A step was made."""
        self.frames += frames
        self.flops += flops

    def figures(self, seconds: float, waited: float) -> dict[str, float]:
        """Frames a second, share of the peak, and share of the time that was waited for input."""
        told = {"frames_per_s": self.frames / seconds, "waiting_share": waited / seconds}
        return told | ({"peak_share": self.flops / seconds / self.peak} if self.peak else {})


def _speed_text(figures: dict[str, float]) -> str:
    text = f"{figures['frames_per_s']:.0f} frames/s"
    if "peak_share" in figures:
        text += f", {figures['peak_share']:.0%} of the matrix peak"
    return f"{text}, {figures['waiting_share']:.0%} waiting for input"


class Interruption:
    """Ctrl-C or a termination ends the run after the step in progress."""

    def __init__(self) -> None:
        self.asked = False
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


class _Report:
    """What a run tells: a bar, `log.jsonl`, TensorBoard. Only the process that writes has one."""

    def __init__(self, settings: LoopSettings, step: int):
        from torch.utils.tensorboard import SummaryWriter  # of the extra, and help does without

        settings.out.mkdir(parents=True, exist_ok=True)
        self._writer = SummaryWriter(str(settings.out / "logs"), purge_step=step)
        self._log = (settings.out / "log.jsonl").open("a", encoding="utf-8")
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, TimeRemainingColumn())
        self._task = self._progress.add_task("", total=settings.steps, completed=step)
        self._progress.start()
        self._started = time.monotonic()

    def show(self, step: int, text: str) -> None:
        """The line beside the bar."""
        self._progress.update(self._task, completed=step, description=text)

    def record(self, kind: str, step: int, figures: dict[str, float]) -> None:
        """Figures after a step."""
        for name, value in figures.items():
            self._writer.add_scalar(f"{kind}/{name}", value, step)
        line = {"kind": kind, "step": step, "time_s": round(time.monotonic() - self._started, 1)}
        self._log.write(json.dumps({**line, **{k: round(v, 5) for k, v in figures.items()}}) + "\n")
        self._log.flush()

    def close(self) -> None:
        """After the last step, or an error."""
        self._progress.stop()
        self._writer.close()
        self._log.close()


def run(
    settings: LoopSettings,
    run_settings: dict[str, Any],
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    batches: Callable[[int], Any],
    train_step: Callable[[int, Any], dict[str, float]],
    evaluate: Callable[[int], dict[str, float]],
    audio_seconds_a_step: float,
    work: Work | None = None,
    processes: Processes | None = None,
) -> None:
    """Train from the last checkpoint in `settings.out` (or from the start) to `settings.steps`.

    Args:
        run_settings: what a resumed run must agree on.
        batches: given the first step, an iterator of batches from that step on.
        train_step: one optimiser step on a batch; returns numbers to log.
        evaluate: held-out figures after a step; called in every process.
        work: what `train_step` counts its work in; None: it counts nothing.
        processes: those that train together; None: this one alone.

    Raises:
        Stopped: it was interrupted; the same call goes on from there.
    """
    checkpoint = settings.out / "run.safetensors"
    writes = processes is None or processes.writes
    step = 0
    if checkpoint.exists():
        step = load_state(checkpoint, module, optimizers, run_settings)
    interruption = Interruption()
    report = _Report(settings, step) if writes else None
    averages: dict[str, float] = {}
    started, saved_at, first, waited = time.monotonic(), time.monotonic(), step, 0.0

    def agreed(*flags: bool) -> list[bool]:
        """Whether any process says so: what one is asked all have to do at the same step."""
        return list(flags) if processes is None else [t > 0 for t in processes.totals(flags)]

    def save() -> None:
        save_state(checkpoint, module, optimizers, step, run_settings, writes)

    try:
        drawn = iter(batches(step))
        asked = False
        while step < settings.steps and not asked:
            waiting = time.monotonic()
            batch = next(drawn)
            waited += time.monotonic() - waiting
            figures = train_step(step, batch)
            step += 1
            for name, value in figures.items():
                averages[name] = 0.98 * averages.get(name, value) + 0.02 * value
            seconds = time.monotonic() - started
            audio = (step - first) * audio_seconds_a_step / seconds
            speed = {} if work is None else work.figures(seconds, waited)
            text = _speed_text(speed) if speed else f"{audio:.0f} s of audio a second"
            if report is not None:
                report.show(step, f"loss {averages['loss']:.3f}  {text}")
                if step % 50 == 0:
                    report.record("train", step, {**averages, "audio_s_per_s": audio, **speed})
            if step % settings.evaluate_every == 0 or step == settings.steps:
                held_out = evaluate(step)
                if report is not None:
                    report.record("valid", step, held_out)
            due = time.monotonic() - saved_at > settings.checkpoint_every_s
            asked, due = agreed(interruption.asked, due)
            if due:
                save()
                saved_at = time.monotonic()
        save()
    finally:
        if report is not None:
            report.close()
    if step < settings.steps:
        raise Stopped(
            f"stopped at step {step} of {settings.steps}; the same command goes on from there"
        )
