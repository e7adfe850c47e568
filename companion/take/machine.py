"""What a take was made on: what may decide the last bits of a stem beside seeds and weights.

The same programs on the same processor with the same number of threads make the same stems to the
bit. Another processor adds up in another order, and so may another version of a library.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from llvmlite.binding import get_host_cpu_name  # type: ignore[import-untyped]

LIBRARIES = ("companion", "torch", "numpy", "scipy", "soxr", "python-stretch", "encodec")
"""Those that have a hand in how a stem sounds."""
LIMITS = (
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Environment variables that forbid a library some of the processor's instructions."""


def machine() -> dict[str, str]:
    """What this one is, by name: processor, system, versions of libraries, limits that are set."""
    about = {
        "processor": f"{get_host_cpu_name()} ({platform.machine()})",
        "system": platform.system(),
        "python": platform.python_version(),
    }
    for library in LIBRARIES:
        try:
            about[library] = version(library)
        except PackageNotFoundError:
            about[library] = "none"
    return about | {limit: os.environ[limit] for limit in LIMITS if limit in os.environ}


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """What differs between two machines, a phrase each; empty if they are the same."""
    return [
        f"{name} {one.get(name, 'not set')}, here {other.get(name, 'not set')}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]
