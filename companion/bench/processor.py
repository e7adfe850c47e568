"""The processor's name, and those of its instructions that matter here."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from llvmlite.binding import get_host_cpu_features, get_host_cpu_name  # type: ignore[import-untyped]

from companion.bench.measured import Processor

CPUINFO = Path("/proc/cpuinfo")
FEATURES = {"avx2": ("avx2",), "avx512": ("avx512f",), "bfloat16": ("avx512bf16", "bf16")}
"""By what they are called here, what compilers call them."""


def processor() -> Processor:
    """The one of this machine, with as many cores as this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable is not None else os.cpu_count() or 1
    return Processor(_name(), cores, features(_host_features()))


def features(has: Mapping[str, bool]) -> tuple[str, ...]:
    """Those of `FEATURES` that a processor has, by what compilers say of it."""
    return tuple(name for name, keys in FEATURES.items() if any(has.get(key) for key in keys))


def name_in(cpuinfo: str) -> str | None:
    """The name in the text of Linux' `/proc/cpuinfo`."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else None


def _name() -> str:
    said: str | None = None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            asked = ("sysctl", "-n", "machdep.cpu.brand_string")
            said = subprocess.run(asked, capture_output=True, text=True, timeout=5).stdout.strip()
        elif CPUINFO.exists():
            said = name_in(CPUINFO.read_text(errors="replace"))
    return said or platform.processor() or str(get_host_cpu_name())


def _host_features() -> Mapping[str, bool]:
    try:
        return dict(get_host_cpu_features())
    except RuntimeError:  # a processor that llvm does not know
        return {}
