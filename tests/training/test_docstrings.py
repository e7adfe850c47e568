"""Every public function is described, and one that takes or gives an array says its shape."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator

import pytest

import training

ARRAYS = re.compile(r"\b(Tensor|ndarray|NDArray|Audio)\b")
SHAPE = re.compile(r"\[[\w.,/+* ]+\]")


def modules() -> list[str]:
    found = pkgutil.walk_packages(training.__path__, "training.")
    return [m.name for m in found if not m.name.startswith("training.band") and "__" not in m.name]


def public_functions(module: str) -> Iterator[tuple[str, Callable]]:
    def defined_here(thing: object) -> bool:
        return getattr(thing, "__module__", None) == module

    for name, thing in vars(importlib.import_module(module)).items():
        if name.startswith("_") or not defined_here(thing):
            continue
        if inspect.isclass(thing):
            for inner, method in vars(thing).items():
                if inspect.isfunction(method) and not inner.startswith("_"):
                    yield f"{name}.{inner}", method
        elif callable(thing):
            yield name, inspect.unwrap(thing)


@pytest.mark.parametrize("module", modules())
def test_docstrings_say_what_and_which_shape(module):
    assert importlib.import_module(module).__doc__
    for name, function in public_functions(module):
        assert function.__doc__, f"{name} has no docstring"
        if any(ARRAYS.search(str(kind)) for kind in function.__annotations__.values()):
            assert SHAPE.search(function.__doc__), f"{name} does not say the shape of its arrays"


def test_the_functions_are_found():
    names = {name for module in modules() for name, _ in public_functions(module)}
    assert {"mel_matrix", "CodecTraining.step", "clock_phase", "token_loss"} <= names
