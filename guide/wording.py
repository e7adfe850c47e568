"""Messages as they stand in the code: texts with an ellipsis where something is filled in.

The code is read, not run, so that a message is found wherever it is made.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
GAP = "…"
LEAST_WORDS = 3
"""Of a sentence; what is shorter is a part of one, or a name."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call, with its arguments as texts; each has several where it depends on something."""

    texts: tuple[tuple[str, ...], ...]


@cache
def tree(file: str) -> ast.Module:
    """A file of the project, by its path from the root, parsed."""
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def files(folder: str) -> list[str]:
    """The modules of a folder and those below it, by their paths from the root."""
    found = (ROOT / folder).rglob("*.py")
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def calls(file: str, *functions: str) -> Iterator[Call]:
    """Calls in a file of functions of these names."""
    module = tree(file)
    for scope, call in _calls(module, module):
        if _name(call.func) in functions:
            yield Call(tuple(tuple(_texts(each, scope, module)) for each in call.args))


def said_in(file: str, function: str) -> list[str]:
    """The sentences in a function of a file: texts of three words and more, but for docstrings.

    KeyError if there is no such function.
    """
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            parts = _parts(node)
            found = (text for part in body for text in _sentences(part, parts))
            return list(dict.fromkeys(found))
    raise KeyError(f"{file} has no {function}")


def _calls(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Calls below a node, each with the function or module that it stands in."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.Call):
            yield scope, below
        yield from _calls(below, below if isinstance(below, ast.FunctionDef) else scope)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(node: ast.expr, scope: ast.AST, module: ast.Module) -> Iterator[str]:
    """What an expression may be, as texts; what cannot be read is a gap."""
    if isinstance(node, ast.Name):
        local = [each for line, each in _given(scope, node.id) if line <= node.lineno][-1:]
        given = local or [each for _, each in _given(module, node.id)]
        if given:
            yield from _written(given[-1])
            return
    yield from _written(node)


def _given(scope: ast.AST, name: str) -> list[tuple[int, ast.expr]]:
    """What a name is given in a function, or at the top of a module, by line."""
    body = ast.iter_child_nodes(scope) if isinstance(scope, ast.Module) else ast.walk(scope)
    return sorted(
        (
            (node.lineno, node.value)
            for node in body
            if isinstance(node, ast.Assign)
            and any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
        ),
        key=lambda each: each[0],
    )


def _written(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_part(each) for each in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _written(node.body)
        yield from _written(node.orelse)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for left in _written(node.left):
            for right in _written(node.right):
                yield left + right
    else:
        yield GAP


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else GAP


def _parts(function: ast.FunctionDef) -> dict[str, ast.JoinedStr]:
    """Texts that have a name and stand in other texts of the function, by that name."""
    named = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.JoinedStr)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    texts = [node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)]
    return {
        name: text
        for name, text in named.items()
        if any(name in _names(other) for other in texts if other is not text)
        and name not in _names(text)
    }


def _names(text: ast.JoinedStr) -> set[str]:
    """Names that are filled in as they are."""
    values = [each.value for each in text.values if isinstance(each, ast.FormattedValue)]
    return {each.id for each in values if isinstance(each, ast.Name)}


def _sentences(node: ast.AST, parts: Mapping[str, ast.JoinedStr]) -> Iterator[str]:
    """Texts of three words and more that somebody is told; a text with a name is told in others."""
    if isinstance(node, (ast.Assert, ast.Raise)):
        return
    if isinstance(node, ast.Call) and _name(node.func) == "Incident":  # for the take's events
        return
    if isinstance(node, ast.Assign) and node.value in parts.values():
        return
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        text = _filled(node, parts)
        if len(re.findall(r"\w+", text)) >= LEAST_WORDS and text[0] not in ",;":
            yield text
        return
    for below in ast.iter_child_nodes(node):
        yield from _sentences(below, parts)


def _filled(node: ast.expr, parts: Mapping[str, ast.JoinedStr]) -> str:
    """A text in which those of its parts that have a name stand in full."""
    if not isinstance(node, ast.JoinedStr):
        return next(_written(node))
    return "".join(
        _filled(parts[each.value.id], {})
        if isinstance(each, ast.FormattedValue)
        and isinstance(each.value, ast.Name)
        and each.value.id in parts
        else _part(each)
        for each in node.values
    )
