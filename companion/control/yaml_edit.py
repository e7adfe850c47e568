"""A YAML file is changed in place: what somebody wrote around it, comments above all, stays.

*Threading*: any thread may call; one edit of any file at a time.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.events import MappingEndEvent
from ruamel.yaml.tokens import CommentToken

from companion.control.yaml_text import read_yaml
from companion.system.errors import CompanionError
from companion.system.whole import new_file

one_edit = threading.Lock()
"""Held by whoever changes a file, from reading it to writing it."""


class _Emitter(RoundTripEmitter):
    """ruamel's forgets to end the line of an item in several lines behind a comment."""

    def expect_flow_mapping_key(self) -> None:
        ends = isinstance(self.event, MappingEndEvent)
        super().expect_flow_mapping_key()
        if ends:
            self.no_newline = False


_ITEM = re.compile(r"^( *)[^\s#].*:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( *)- ", re.MULTILINE)
MOST_BYTES = 1 << 20


@contextmanager
def edited(path: Path) -> Iterator[CommentedMap]:
    """The content of a file, to be changed; it is written when the context ends well.

    A file that is not there is made. One in which nothing was changed is not written. What is set
    should be plain values, or come from `item` where it is to be on one line.

    Raises:
        CompanionError: the file cannot be read or written, or holds no keys and values, or not what
            was set, such as text with unusual line breaks; it is as it was then.
    """
    with one_edit:
        edit = Edit(text_of(path), path)
        yield edit.content
        if (changed := edit.changed()) is not None:
            write(path, changed)


class Edit:
    """A YAML text that is being changed; it belongs to one thread.

    Attributes:
        content: to be changed.
    """

    def __init__(self, text: str, path: Path) -> None:
        """Nothing changed yet; `path` is what messages call it.

        Raises:
            CompanionError: it holds no keys and values, or could not be written as it is.
        """
        self._path = path
        self._editor, self.content = _loaded(text, path)
        self._before = read_yaml(text, str(path)) or {}
        _check_kept(self._editor, self.content, path, self._before)

    def changed(self) -> str | None:
        """The text as it is now; None where it says what it said.

        Raises:
            CompanionError: what was set cannot be written.
        """
        changed, after = _dumped(self._editor, self.content, self._path)
        if not _says(after, self.content):
            raise CompanionError(
                f"{self._path} cannot keep what was set; valid: plain text and numbers"
            )
        return changed if after != self._before else None


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all; CompanionError where it cannot be."""
    encoded = text.encode()
    with new_file(path, len(encoded)) as put:
        put(encoded)


def item(content: Mapping[str, Any]) -> CommentedMap:
    """Keys and values that are written on one line."""
    made = CommentedMap(content)
    made.fa.set_flow_style()
    return made


def below(content: CommentedMap, key: str) -> CommentedMap:
    """The mapping below a key, made where there is none; it can be written on several lines."""
    inner = content.get(key)
    if inner is None:
        inner = content[key] = CommentedMap()
    if not isinstance(inner, CommentedMap):
        raise CompanionError(f"{key} is {inner!r}; valid: keys and values")
    if not inner:
        inner.fa.set_block_style()
    return inner


def add(content: CommentedMap, key: str, value: Any, after: str | None) -> None:
    """Set a key that is not there yet, behind one that has a plain value, or before all.

    Comments on the lines below that one stay in front of what they were in front of.
    """
    place = 0 if after is None else list(content).index(after) + 1
    content.insert(place, key, value)
    found = content.ca.items.get(after)
    token = None if found is None or len(found) < 3 else found[2]
    if token is None:
        return
    beside, end, below = token.value.partition("\n")
    if not below:
        return
    content.ca.items[key] = [None, None, CommentToken(f"\n{below}", CommentMark(0), None), None]
    if beside:
        token.value = beside + end
    else:
        del content.ca.items[after]


def drop(content: CommentedMap, key: str, number: int) -> None:
    """Take an item out of the list below a key; comments on the lines after it stay."""
    items: CommentedSeq = content[key]
    token = _last_token(items, number)
    rest = "" if token is None else token.value.partition("\n")[2]
    del items[number]
    kept = CommentToken(f"\n{rest}", CommentMark(0), None)
    if not items:
        content[key] = CommentedSeq()
        content[key].fa.set_flow_style()
        content.ca.items[key] = [None, None, kept if rest.strip() else None, None]
    if not rest.strip() or number < len(items) or not items:
        return
    last = _last_token(items, len(items) - 1)
    if last is None:
        items.ca.items.setdefault(len(items) - 1, [None] * 4)[0] = kept
    else:
        last.value = f"{last.value.rstrip()}\n{rest}"


def _last_token(node: Any, key: Any) -> CommentToken | None:
    """The comment that ends a value: that on its line, with all on the lines after it."""
    value = node[key]
    if isinstance(value, (CommentedMap, CommentedSeq)) and value and not value.fa.flow_style():
        last = len(value) - 1 if isinstance(value, CommentedSeq) else next(reversed(value))
        return _last_token(value, last)
    found = node.ca.items.get(key)
    place = 0 if isinstance(node, CommentedSeq) else 2
    return None if found is None or len(found) <= place else found[place]


def text_of(path: Path) -> str:
    """What a file holds; nothing where there is none. CompanionError if it cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CompanionError(f"{path} is too long; valid: up to {MOST_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise CompanionError(f"{path} cannot be read ({error}); valid: YAML") from error


def _loaded(text: str, path: Path) -> tuple[YAML, CommentedMap]:
    editor = YAML()  # round trip: nothing but plain values is made of what is read
    editor.Emitter = _Emitter
    editor.preserve_quotes = True
    editor.width = 1 << 16  # no line is broken that was not
    editor.brace_single_entry_mapping_in_flow_sequence = True
    found = _ITEM.search(text)
    offset = 2 if found is None else max(0, len(found[2]) - len(found[1]))
    editor.indent(mapping=2, sequence=offset + 2, offset=offset)
    try:
        content = editor.load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        why = " ".join(str(getattr(error, "problem", None) or error).split())
        raise CompanionError(f"{path} cannot be changed ({why}); valid: YAML") from error
    if content is None:
        content = CommentedMap()
    if not isinstance(content, CommentedMap):
        raise CompanionError(f"{path} has no keys; valid: keys and values")
    return editor, content


def _dumped(editor: YAML, content: CommentedMap, path: Path) -> tuple[str, Any]:
    """The text, and what our own reader makes of it."""
    out = io.StringIO()
    if content:
        editor.dump(content, out)
    return out.getvalue(), read_yaml(out.getvalue(), str(path)) or {}


def _check_kept(editor: YAML, content: CommentedMap, path: Path, before: Any) -> None:
    """CompanionError where the file would say something else though nothing was changed."""
    try:
        kept = _dumped(editor, content, path)[1] == before
    except CompanionError:
        kept = False
    if not kept:
        raise CompanionError(f"{path} cannot be changed without harm; valid: simpler YAML")


def _says(read: Any, content: Any) -> bool:
    """Whether what was read is what was to be written; of unusual kinds nothing is known."""
    if isinstance(content, Mapping):
        same = isinstance(read, dict) and len(read) == len(content)
        return same and all(_says(read.get(key), each) for key, each in content.items())
    if isinstance(content, list):
        same = isinstance(read, list) and len(read) == len(content)
        return same and all(map(_says, read, content))
    plain = content is None or isinstance(content, (str, int, float))
    return not plain or read == content or content != content
