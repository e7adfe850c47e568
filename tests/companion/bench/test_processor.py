"""The processor is named, with the instructions that decide how fast it multiplies."""

from __future__ import annotations

import os

import pytest

from companion.bench.memory import peak_mb, peak_of_children_mb
from companion.bench.processor import features, name_in, processor


def test_the_one_here_has_a_name_and_cores() -> None:
    here = processor()
    assert here.name and here.cores >= 1
    assert set(here.features) <= {"avx2", "avx512", "bfloat16"}


@pytest.mark.parametrize(
    ("has", "named"),
    [
        ({"avx2": True, "avx512f": True, "avx512bf16": True}, ("avx2", "avx512", "bfloat16")),
        ({"avx2": True, "avx512f": False}, ("avx2",)),
        ({"neon": True, "bf16": True}, ("bfloat16",)),
        ({}, ()),
    ],
)
def test_instructions_are_called_as_everybody_does(
    has: dict[str, bool], named: tuple[str, ...]
) -> None:
    assert features(has) == named


def test_linux_tells_the_name_of_each_core() -> None:
    told = "processor\t: 0\nmodel name\t: Any CPU @ 2 GHz \n\nprocessor\t: 1\nmodel name\t: Any\n"
    assert name_in(told) == "Any CPU @ 2 GHz"
    assert name_in("processor: 0\nBogoMIPS: 48.00\n") is None


def test_the_memory_of_a_process_is_told_while_it_runs() -> None:
    held = peak_mb(os.getpid())
    assert held is None or held > 10
    assert peak_mb(2**22 + 1) is None  # no process has this number
    largest = peak_of_children_mb()
    assert largest is None or largest >= 0
