"""The experiments on small networks, rehearsed at toy size."""

from __future__ import annotations

import re

import pytest

from training.experiments.page import write_page
from training.experiments.registry import find_experiment
from training.experiments.settings import Settings

NAMES = ("autoregressive", "trunks", "data", "token-order")


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    out = tmp_path_factory.mktemp("experiments")
    return Settings(out, out / "pages", out, out, None, out, 2, 1, quick=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_rehearsal_writes_a_page_with_figures_and_intervals(name, settings):
    page = find_experiment(name).run(settings)
    file, _ = write_page(page, settings.pages, name, "rehearsal")
    text = file.read_text(encoding="utf-8")
    assert (settings.pages / f"{name}.png").stat().st_size > 5_000
    assert re.search(r"\d+\.\d\d \[\d+\.\d\d, \d+\.\d\d\]", text)
    assert "nan" not in text
