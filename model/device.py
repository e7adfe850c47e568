"""Where the model runs and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

DEVICES = ("auto", "cuda", "mps", "cpu")


def pick_device(name: str = "auto") -> torch.device:
    """`auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: an unknown name, or a device this machine does not have.
    """
    if name not in DEVICES:
        raise ValueError(f"device '{name}' is unknown; valid: {', '.join(DEVICES)}")
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if present[kind])
    if not present[name]:
        valid = ", ".join(kind for kind, here in present.items() if here)
        raise ValueError(f"device '{name}' is not on this machine; valid here: auto, {valid}")
    return torch.device(name)


def has_bfloat16(device: torch.device) -> bool:
    """True where bfloat16 arithmetic is native, so that it saves time."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        # The library that multiplies may be kept from what the processor has
        # (ONEDNN_MAX_CPU_ISA): it would emulate, a hundred times slower than float32.
        return bool(native and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """Matrix products in bfloat16 where the device has it natively, float32 elsewhere."""
    if not has_bfloat16(device):
        yield
        return
    with torch.autocast(device.type, torch.bfloat16):
        yield
