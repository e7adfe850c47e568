"""One mapping of a preset file, read key by key.

Whatever is not known, of the wrong type or out of range is an error of one line that names the
file, its line, the key and what would be valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from companion.control.parameters import Value, parameter
from companion.control.yaml_text import Keys, Word
from companion.system.errors import CompanionError, nearest, shown

Made = TypeVar("Made")
_REQUIRED: Any = object()
_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "keys and values",
}


def keys_of(kind: Any) -> tuple[str, ...]:
    """The names of a dataclass's fields."""
    return tuple(each.name for each in fields(kind))


class Section:
    """A mapping of the file, of which every key is known."""

    def __init__(
        self,
        content: object,
        file: str,
        keys: Sequence[str],
        prefix: str = "",
        what: str = "preset",
    ) -> None:
        """Check the keys.

        Args:
            content: of the mapping.
            file: its name, for messages; `what` is what kind of file it is.
            keys: those it may have.
            prefix: the way to this mapping, with a dot at its end.

        Raises:
            CompanionError: it is no mapping, or has a key that is not among `keys`.
        """
        self.file, self._prefix, self._what = file, prefix, what
        if not isinstance(content, dict):
            where = prefix.rstrip(".") or "content"
            raise CompanionError(
                f"{what} {file}: {where} is {shown(content)}; valid: keys and values"
            )
        self.content: dict[object, Any] = content
        known = tuple(keys)
        for key in content:
            if key not in known:
                named = shown(key).strip("'")
                raise CompanionError(
                    f"{self.place(key)}: unknown key {prefix}{named}{nearest(named, known)}; "
                    f"valid: {', '.join(known)}"
                )

    def place(self, key: object) -> str:
        """Where a key stands, for a message."""
        line = self.content.lines.get(key) if isinstance(self.content, Keys) else None
        return f"{self._what} {self.file}" + ("" if line is None else f", line {line}")

    def take(
        self,
        key: str,
        kind: type | tuple[type, ...],
        default: Any = _REQUIRED,
        valid: range | tuple[str, ...] | None = None,
    ) -> Any:
        """The value of a key, of a type, or one of some texts; an empty one is the default."""
        value = self.content.get(key)
        if value is None:
            if default is _REQUIRED:
                raise self.wrong(key, None, "a value, it is required")
            return default
        kinds = kind if isinstance(kind, tuple) else (kind,)
        value = _meant(value, bool in kinds)
        if isinstance(valid, tuple):
            if value not in valid:
                raise self.wrong(key, value, ", ".join(valid), nearest(str(value), valid))
        elif not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.wrong(key, value, " or ".join(_KINDS[each] for each in kinds))
        elif valid is not None and value not in valid:
            raise self.wrong(key, value, f"{valid[0]} to {valid[-1]}")
        return value

    def made(self, kind: type[Made], **given: Any) -> Made:
        """An object of a dataclass, each field from the key of its name.

        What is valid is an `Annotated` field's range, or its texts. Fields of `given` are not read.
        """
        types = get_type_hints(kind, include_extras=True)
        for each in fields(kind):  # type: ignore[arg-type]
            if each.name not in given:
                hint = types[each.name]
                hint, *valid = get_args(hint) if get_origin(hint) is Annotated else (hint,)
                kinds = tuple(one for one in get_args(hint) or (hint,) if one is not type(None))
                default = _REQUIRED if each.default is MISSING else each.default
                given[each.name] = self.take(each.name, kinds, default, *valid)
        return kind(**given)

    def part(self, key: str, kind: type[Made]) -> Made:
        """The object below a key; as it is by default where there is no such key."""
        found = self.inner(key, keys_of(kind))
        return kind() if found is None else found.made(kind)

    def knobs(self, names: Sequence[str]) -> dict[str, Value]:
        """The values of those knobs that are here, checked by the table."""
        values = {}
        for knob in map(parameter, names):
            if knob.name in self.content:
                value = _meant(self.content[knob.name], knob.kind in ("switch", "trigger"))
                try:
                    values[knob.name] = knob.check(value)
                except CompanionError as error:
                    message = f"{self.place(knob.name)}: {self._prefix}{error}"
                    raise CompanionError(message) from error
        return values

    def inner(self, key: str, keys: Sequence[str]) -> Section | None:
        """The mapping below a key, which may be left empty; None where there is no such key."""
        if key not in self.content:
            return None
        content = self.take(key, dict, {})
        return Section(content, self.file, keys, f"{self._prefix}{key}.", self._what)

    def each(self, key: str, keys: Sequence[str]) -> list[Section]:
        """The mappings in the list below a key."""
        return [
            Section(content, self.file, keys, f"{self._prefix}{key}[{number}].", self._what)
            for number, content in enumerate(self.take(key, list, []))
        ]

    def wrong(self, key: str, value: object, valid: str, hint: str = "") -> CompanionError:
        """An error about a key's value."""
        return CompanionError(
            f"{self.place(key)}: {self._prefix}{key} is {shown(value)}{hint}; valid: {valid}"
        )


def _meant(value: Any, switch: bool) -> Any:
    """What a bare `on`, `off`, `yes` or `no` stands for: a switch's position, or text."""
    if not isinstance(value, Word):
        return value
    return value.on if switch else str(value)
