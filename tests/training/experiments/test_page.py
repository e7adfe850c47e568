"""A page is written anew each time, but for the answer, which somebody wrote by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from training.experiments.page import (
    ANSWER,
    ANSWERED,
    UNANSWERED,
    Page,
    Table,
    kept_answer,
    page_text,
    write_page,
)


def page(number: str = "1.00") -> Page:
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([0, 1])
    table = Table("Caption.", ("", "value"), (("one", number),))
    return Page("Title", "What?", "How.", figure, "A line.", (table,))


def test_a_new_page_says_that_it_has_no_answer_yet(tmp_path):
    file, changed = write_page(page(), tmp_path / "pages", "toy", "python")
    text = file.read_text()
    assert UNANSWERED in text and not changed
    assert text.startswith("# Title\n\nWhat?\n")
    assert "| one | 1.00 |" in text and "`python`" in text and "(toy.png)" in text
    assert (tmp_path / "pages" / "toy.png").read_bytes().startswith(b"\x89PNG")


def test_the_answer_stays_and_what_changed_is_told(tmp_path):
    file, _ = write_page(page(), tmp_path, "toy", "python")
    file.write_text(file.read_text().replace(UNANSWERED, "It is 1.\n\nSurely: a | b."))
    assert write_page(page(), tmp_path, "toy", "python") == (file, False)
    assert write_page(page("2.00"), tmp_path, "toy", "python") == (file, True)
    text = file.read_text()
    assert "It is 1.\n\nSurely: a | b." in text and "2.00" in text and "1.00" not in text


def test_same_figures_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        write_page(page(), tmp_path / folder, "toy", "python")
    for name in ("toy.md", "toy.png"):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two


LINES = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1)


@given(st.lists(LINES, min_size=1).map("\n".join).filter(str.strip))
def test_any_answer_is_kept_to_the_letter(answer):
    assert kept_answer(page_text(page(), "toy", "python", answer)) == answer


@pytest.mark.parametrize(
    "text", ["", "# Title", f"{ANSWER}\n{ANSWERED}", f"{ANSWER}\n \n{ANSWERED}"]
)
def test_where_nothing_was_written_there_is_no_answer(text):
    assert kept_answer(text) == UNANSWERED
