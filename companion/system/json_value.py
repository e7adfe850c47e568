"""Values of typed fields as JSON has them, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Made = TypeVar("Made")


@cache
def _types(kind: Any) -> dict[str, Any]:
    """The type of each field of a dataclass."""
    types = get_type_hints(kind)
    return {each.name: types[each.name] for each in fields(kind)}


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type and what it is made of, as `typing` tells them."""
    return get_origin(kind), get_args(kind)


def plain(value: Any, rounded: bool) -> Any:
    """`value` in JSON's own types: to the microsecond if wanted, NaN and infinity as null."""
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, rounded) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, rounded) for item in value]
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(number):
        return None
    return round(number, 6) if rounded else number


def made(kind: Callable[..., Made], told: Mapping[str, Any], exact: bool = False) -> Made:
    """An object of a dataclass, `kind`, from its fields in JSON.

    TypeError or ValueError if one is missing or of another type, or, where it is to be `exact`,
    if there are others: else they are passed over.
    """
    types = _types(kind)
    if exact and not told.keys() <= types.keys():
        raise ValueError(f"it has {', '.join(sorted(told.keys() - types.keys()))}")
    return kind(**{name: _typed(told[name], types[name], exact) for name in types if name in told})


def _typed(value: Any, kind: Any, exact: bool) -> Any:
    """What JSON has of a value of a type; TypeError or ValueError if it is none."""
    if kind is Any or type(value) is kind:
        return value
    origin, parts = _parts(kind)
    if origin is UnionType:  # of which the first may have to be made
        return value if type(value) in parts else _typed(value, parts[0], exact)
    if kind is float and value is None:  # JSON has no NaN
        return math.nan
    if origin is tuple and isinstance(value, list):
        parts = parts[:1] * len(value) if parts[-1] is ... else parts
        return tuple(_typed(item, part, exact) for item, part in zip(value, parts, strict=True))
    if origin is Mapping and isinstance(value, dict):
        return {parts[0](key): _typed(item, parts[1], exact) for key, item in value.items()}
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, dict):
        return made(kind, value, exact)
    if origin is Literal:
        valid = value in parts
    else:
        valid = isinstance(value, int | float if kind is float else origin or kind)
    if valid:
        return value
    raise TypeError(f"{value!r} is not of type {kind}")
