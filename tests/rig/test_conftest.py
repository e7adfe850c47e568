"""A test of the rig is tried again only where the host took the machine away from it."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing.shared_memory import SharedMemory

import pytest

from tests.rig.conftest import TAKEN_S, own_shared_memory, taken_s
from tests.rig.jack import ROOT

pytest_plugins = ["pytester"]

CONFTEST = """
import itertools
from tests.rig import conftest
from tests.rig.conftest import pytest_runtest_protocol

tries = itertools.count()
conftest._taken_s = lambda: next(tries) * {away_s}
"""
TESTS = """
tries = []

def test_that_passes_at_the_third_try(tmp_path):
    tries.append(tmp_path)
    assert len(set(tries)) == 3

def test_that_never_passes():
    assert False
"""


@pytest.mark.parametrize(("away_s", "passed"), [(0.0, 0), (TAKEN_S / 2, 0), (2 * TAKEN_S, 1)])
def test_what_fails_is_tried_again_while_the_machine_is_away(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, away_s: float, passed: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(CONFTEST.format(away_s=away_s))
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess().assert_outcomes(passed=passed, failed=2 - passed)


def test_what_the_host_took_is_read_from_the_system() -> None:
    assert taken_s("cpu  1766884 1349537 327886 1569779 6947 0 2219 5400 0 0\ncpu0 1 2 3") == 54.0


def test_a_worker_may_have_shared_memory_of_its_own() -> None:
    looks = "from tests.rig.test_conftest import look; look()"
    memory = SharedMemory(create=True, size=1)
    try:
        told = subprocess.check_output([sys.executable, "-c", looks], cwd=ROOT, text=True)
    finally:
        memory.close()
        memory.unlink()
    had_its_own, seen = told.split(maxsplit=1)
    if had_its_own == "False":
        pytest.skip("only root may have it")
    assert memory.name not in seen


def look() -> None:
    """In a process of its own: say whether its memory is, and what is in it."""
    print(own_shared_memory(), os.listdir("/dev/shm"))
