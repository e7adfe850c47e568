"""Made songs, an untrained generator and a made report, as a rehearsal has them."""

from __future__ import annotations

import pytest

from training.experiments.settings import Settings
from training.experiments.toy import toy_settings


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory) -> Settings:
    return toy_settings(tmp_path_factory.mktemp("experiments"), seed=1)
