"""A JACK server for the tests that drive the rig over a real PortAudio device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.jack import JackServer


@pytest.fixture
def jack_server(tmp_path: Path) -> Iterator[JackServer]:
    """A server in synchronous mode, for this test alone; a test fails where none can start."""
    with JackServer(tmp_path) as server:
        yield server
