"""How fast the generator is on this machine, and how far from what the machine could do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np
import torch

from model.device import has_bfloat16
from model.generator import StemGenerator
from model.grid import FRAME_RATE, HOP
from model.guidance import guidance_terms
from model.request import DecodeSettings, StemRequest

BAR_FRAMES = 2 * FRAME_RATE
"""A bar of four beats at 120 BPM."""
GUIDANCE = {"audio": 3.0, "instrument": 1.0, "clock": 3.0}
REPEATS = 5
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians of a few runs.

    Attributes:
        encode_s, decode_s: seconds for 10 s of audio through the codec's halves.
        plan_s: seconds to fill `bars` bars at 120 BPM: all guidance passes, default steps.
        passes: guidance passes a step.
        steps: decode steps of all levels.
        network_gflops: arithmetic of the network in a plan, billions of operations.
        peak_gflops: what a large matrix product reaches here, billions of operations a second.
    """

    device: str
    threads: int
    bars: int
    encode_s: float
    decode_s: float
    plan_s: float
    network_s: float
    passes: int
    steps: int
    network_gflops: float
    peak_gflops: float


def measure_speed(generator: StemGenerator, bars: int = 4, prefix_bars: int = 1) -> Speed:
    """Time the generator for `bars` new bars at 120 BPM after `prefix_bars` that are given."""
    frames, prefix_frames = (bars + prefix_bars) * BAR_FRAMES, prefix_bars * BAR_FRAMES
    request = StemRequest(
        context=_music(frames),
        context_known=np.ones(frames, np.bool_),
        phase=_phase(frames),
        prefix=generator.silence(frames)[:, :prefix_frames],
        frames=frames,
        instrument=4,
        guidance=GUIDANCE,
        decode=DecodeSettings(),
        seed=1,
    )
    audio = torch.from_numpy(_music(10 * FRAME_RATE))
    tokens = generator.encode(audio)
    results = [_timed(lambda: generator.start(request).result()) for _ in range(REPEATS + 1)][1:]
    passes = len(guidance_terms(GUIDANCE, request.form))
    steps = sum(request.decode.steps)
    weights = sum(p.numel() for p in generator.network.trunk.parameters())
    width, layers = generator.network.config.width, generator.network.config.layers
    a_frame = 2 * weights + 4 * layers * frames * width
    computed = steps * (frames - prefix_frames) + prefix_frames  # the prefix is read once
    return Speed(
        device=generator.device,
        threads=torch.get_num_threads(),
        bars=bars,
        encode_s=median(_seconds(lambda: generator.encode(audio))),
        decode_s=median(_seconds(lambda: generator.decode(tokens))),
        plan_s=median(seconds for seconds, _ in results),
        network_s=median(result.timings["decode_tokens"] for _, result in results),
        passes=passes,
        steps=steps,
        network_gflops=a_frame * computed * passes / 1e9,
        peak_gflops=matrix_peak(generator.torch_device),
    )


def matrix_peak(device: torch.device) -> float:
    """Billions of operations a second of a 1200 x 1024 x 1024 product, in the model's precision."""
    kind = torch.bfloat16 if has_bfloat16(device) else torch.float32
    one = torch.randn(1200, 1024, device=device, dtype=kind)
    other = torch.randn(1024, 1024, device=device, dtype=kind)

    def run() -> None:
        for _ in range(20):
            product = one @ other
        float(product[0, 0])  # waits for the device

    return 20 * 2 * 1200 * 1024 * 1024 / min(_seconds(run)) / 1e9


def _timed(call: Callable[[], Kind]) -> tuple[float, Kind]:
    started = time.perf_counter()
    value = call()
    return time.perf_counter() - started, value


def _seconds(call: Callable[[], object]) -> list[float]:
    return [_timed(call)[0] for _ in range(REPEATS + 1)][1:]


def _music(frames: int) -> np.ndarray:
    """Decaying chords on the beat, float32 [frames * 640]."""
    time_s = np.arange(frames * HOP) / (FRAME_RATE * HOP)
    tone = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (110.0, 220.0, 277.2, 329.6))
    return (0.1 * tone * np.exp(-4 * (time_s % 0.5))).astype(np.float32)


def _phase(frames: int) -> np.ndarray:
    beat = 2 * np.pi * np.arange(frames) / (BAR_FRAMES / 4)
    return np.stack([np.sin(beat), np.cos(beat), np.sin(beat / 4), np.cos(beat / 4)], 1).astype(
        np.float32
    )
