"""YAML as it is meant: the schema of YAML 1.2, with which presets are read and written.

PyYAML reads YAML 1.1, to which 012 is ten, 1:30 is ninety, 2026-11-24 is no text and `off` is false
even where it is the name of something; and of a key that is given twice it takes the last. Here
numbers are decimal (or 0x, 0o), whatever else is text, and each key is given once. `on`, `off`,
`yes` and `no` are text as well, until a switch is asked for: see `Word`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import yaml

from companion.system.errors import CompanionError, shown

_TAG = "tag:yaml.org,2002:"
_WORD = "!word"
_ON = ("on", "yes", "y")
_OFF = ("off", "no", "n")


def _of(*words: str) -> re.Pattern[str]:
    """Matches any of the words: small, with a capital, or capitals all through."""
    spelt = (each for word in words for each in (word, word.capitalize(), word.upper()))
    return re.compile(f"(?:{'|'.join(spelt)})\\Z")


_SCALARS = {
    f"{_TAG}null": _of("null", "~", ""),
    f"{_TAG}bool": _of("true", "false"),
    f"{_TAG}int": re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    f"{_TAG}float": re.compile(
        r"(?:[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z"
    ),
    f"{_TAG}merge": _of("<<"),
    _WORD: _of(*_ON, *_OFF),
}
"""What is written without quotes is the first of these that it matches in full, or else text."""


class Word(str):
    """`on`, `off`, `yes`, `no`, `y` or `n` without quotes: text, or the position of a switch."""

    __slots__ = ()

    @property
    def on(self) -> bool:
        """The position of a switch that it says."""
        return self.lower() in _ON


class Keys(dict[object, Any]):
    """A mapping of the text, which knows in which line of it each key stands, from 1."""

    lines: Mapping[object, int] = MappingProxyType({})


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    yaml_implicit_resolvers: ClassVar[dict] = {None: [*_SCALARS.items()]}
    yaml_constructors: ClassVar[dict] = {}

    def __init__(self, text: str, what: str) -> None:
        super().__init__(text)
        self._what = what

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                named = shown(key.value).strip("'")
                raise CompanionError(
                    f"{self._what}, line {line}: {named} is given twice, first in line "
                    f"{lines[key.value]}; valid: each key once"
                )
            lines[key.value] = line
        return node

    def construct_yaml_map(self, node: Any) -> Iterator[Keys]:
        keys = Keys()
        yield keys
        keys.update(self.construct_mapping(node))
        keys.lines = {
            key.value: key.start_mark.line + 1
            for key, _ in node.value
            if isinstance(key, yaml.ScalarNode)
        }

    def text(self, node: Any) -> str:
        """A scalar's, if it is one of its type: that may have been written before it."""
        text = str(self.construct_scalar(node))
        if not _SCALARS[node.tag].match(text):
            kind = node.tag.removeprefix(_TAG)
            raise yaml.constructor.ConstructorError(
                problem=f"{shown(text)} is no {kind}", problem_mark=node.start_mark
            )
        return text


def _whole(text: str) -> int:
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


for _kind, _read in {
    f"{_TAG}null": lambda text: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": _whole,
    f"{_TAG}float": _number,
    _WORD: Word,
}.items():
    _Loader.add_constructor(_kind, lambda loader, node, read=_read: read(loader.text(node)))
for _kind in ("map", "seq", "str"):
    _Loader.add_constructor(f"{_TAG}{_kind}", getattr(_Loader, f"construct_yaml_{_kind}"))
_Loader.add_constructor(None, _Loader.construct_undefined)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Quotes what YAML 1.1 would read as something else too."""

    yaml_implicit_resolvers: ClassVar[dict] = {
        first: [*_SCALARS.items(), *older]
        for first, older in yaml.SafeDumper.yaml_implicit_resolvers.items()
    } | {None: [*_SCALARS.items()]}


def read_yaml(text: str, what: str) -> Any:
    """The content of a YAML text; mappings are `Keys`, a bare `on`, `off`, `yes` or `no` a `Word`.

    Args:
        text: one document.
        what: what messages call it.

    Raises:
        CompanionError: it is no YAML, with the line; or a key is given twice, with both.
    """
    try:
        return _Loader(text, what).get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise CompanionError(f"{what}{where}: {problem}; valid: YAML") from error
    except (ValueError, RecursionError) as error:  # a number too long, brackets without end
        raise CompanionError(f"{what}: {error}; valid: YAML") from error


def write_yaml(content: Any) -> str:
    """A text that `read_yaml` reads as the same content."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
