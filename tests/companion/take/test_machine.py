"""What a take was made on, and how it differs from this machine."""

from __future__ import annotations

import pytest

from companion.take.machine import differences, machine


def test_this_machine_is_no_other() -> None:
    here = machine()
    assert {"processor", "torch", "numpy", "soxr"} <= here.keys()
    assert all(here.values())
    assert differences(here, machine()) == []


def test_what_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine()
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    assert differences(here, machine()) == ["ATEN_CPU_CAPABILITY not set, here avx2"]
    assert differences({**machine(), "soxr": "0.1"}, machine())[0].startswith("soxr 0.1, here ")
