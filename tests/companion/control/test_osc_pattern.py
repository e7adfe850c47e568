"""OSC patterns mean what the specification says, and none takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.osc_pattern import MOST_CHARACTERS, is_pattern, matching

NAMES = ("bass", "base", "bas", "b", "keys", "drums", "a-b", "")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("bass", ["bass"]),
        ("bas?", ["bass", "base"]),
        ("*", list(NAMES)),
        ("b*", ["bass", "base", "bas", "b"]),
        ("*s", ["bass", "bas", "keys", "drums"]),
        ("*a*s", ["bass", "bas"]),
        ("[bk]*", ["bass", "base", "bas", "b", "keys"]),
        ("[a-c]*", ["bass", "base", "bas", "b", "a-b"]),
        ("[c-a]*", ["bass", "base", "bas", "b", "a-b"]),
        ("[!a-c]*", ["keys", "drums"]),
        ("bas[!s]", ["base"]),
        ("a[-x]b", ["a-b"]),
        ("a[x-]b", ["a-b"]),
        ("[!]", ["b"]),
        ("[]", []),
        ("{bass,keys}", ["bass", "keys"]),
        ("{ba,b}s*", ["bass", "base", "bas"]),
        ("{b,ba}{s,ss}", ["bass", "bas"]),
        ("{}", [""]),
        ("{bass,}", ["bass", ""]),
        ("B*", []),
    ],
)
def test_what_the_specification_says(pattern: str, names: list[str]) -> None:
    assert list(matching(pattern, NAMES)) == names


@pytest.mark.parametrize("pattern", ["[ab", "ab]", "{a,b", "a,b}", "[{a]}"])
def test_a_bracket_without_its_other_half_is_no_pattern(pattern: str) -> None:
    assert is_pattern(pattern)
    with pytest.raises(ValueError, match="stands alone"):
        matching(pattern, NAMES)


def test_within_brackets_the_other_signs_are_characters() -> None:
    assert matching("{[a,*}", ["[a", "*", "b"]) == ("[a", "*")
    assert matching("[*?{]", ["*", "?", "{", "x"]) == ("*", "?", "{")


letters = st.text("abc-", max_size=4)
sets = st.tuples(st.booleans(), st.lists(st.sampled_from(["a", "c", "a-b", "b-c"]), max_size=2))
pieces = st.one_of(
    st.text("abc-", min_size=1, max_size=3).map(lambda text: (text, re.escape(text))),
    st.just(("?", ".")),
    st.just(("*", ".*")),
    st.lists(letters, min_size=1, max_size=3).map(
        lambda texts: ("{" + ",".join(texts) + "}", "(?:" + "|".join(map(re.escape, texts)) + ")")
    ),
    sets.filter(lambda pair: bool(pair[1])).map(
        lambda pair: (
            "[" + "!" * pair[0] + "".join(pair[1]) + "]",
            "[" + "^" * pair[0] + "".join(pair[1]) + "]",
        )
    ),
)


@given(st.lists(pieces, max_size=6), st.lists(st.text("abc-", max_size=8), max_size=8))
def test_it_matches_what_a_regular_expression_of_the_same_meaning_does(
    parts: list[tuple[str, str]], names: list[str]
) -> None:
    pattern, expression = (
        ("".join(each) for each in zip(*parts, strict=True)) if parts else ("", "")
    )
    expected = tuple(name for name in names if re.fullmatch(expression, name))
    assert matching(pattern, names) == expected


@given(st.text(), st.lists(st.text(max_size=40), max_size=3))
def test_any_text_is_a_pattern_or_refused(pattern: str, names: list[str]) -> None:
    try:
        found = matching(pattern, names)
    except ValueError:
        return
    assert set(found) <= set(names)
    if not is_pattern(pattern):
        assert set(found) == set(names) & {pattern}


@pytest.mark.parametrize("piece", ["*a", "{a,}", "{a,aa}", "*", "{,a,aa,aaa}*", "[a-z]*", "?*"])
def test_no_pattern_takes_long(piece: str) -> None:
    """Of such a backtracking matcher would make more steps than there are atoms."""
    pattern = (piece * MOST_CHARACTERS)[: MOST_CHARACTERS // len(piece) * len(piece)]
    start_s = time.process_time()
    matching(pattern, ["a" * 32 + "b"] * 8)
    assert time.process_time() - start_s < 2.0


def test_a_pattern_longer_than_all_names_is_refused() -> None:
    with pytest.raises(ValueError, match="a pattern of 501 characters; valid: 500"):
        matching("*" * (MOST_CHARACTERS + 1), NAMES)
