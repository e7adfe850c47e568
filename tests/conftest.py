from __future__ import annotations

import os

import pytest
from hypothesis import settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_configure(config: pytest.Config) -> None:
    """Give each process of tests a folder of its own for what numba compiles.

    Two that fill one at the same time leave functions of librosa in it that crash whoever calls
    them (numba's issue 10128: the name in the cache counts what was compiled before).
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    cache = getattr(config, "cache", None)  # switched off in a process of its own
    if cache is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(cache.mkdir(f"numba-{worker}"))
