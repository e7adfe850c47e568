from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """A disk that takes 20 kB a file and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
