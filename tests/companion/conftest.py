from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from companion.session import jam
from companion.session.rig import run_recording
from tests.companion.studio import no_device, standin


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """A disk that takes 20 kB a file and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def no_sound_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A jam on a machine without one, its recording as fast as it goes, without a model."""
    monkeypatch.setattr(jam, "open_device", no_device)
    monkeypatch.setattr(jam, "play_recording", run_recording)
    monkeypatch.setattr(jam, "open_worker", lambda *_: standin())
