"""The page of an experiment, in Markdown, and its figure beside it.

The answer is written by hand, between two marks; when the experiment is run again everything else
is written anew and the answer stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

ANSWER, ANSWERED = (
    "<!-- The answer is written by hand, and kept. -->",
    "<!-- End of the answer. -->",
)
UNANSWERED = "*Not answered yet.*"
DPI = 90


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        caption: a sentence that says what it shows.
        head: of its columns; the first names the rows.
        rows: as many cells each.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """As Markdown."""
        lines = [self.head, ["---"] + ["--:"] * (len(self.head) - 1), *self.rows]
        return f"{self.caption}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True, slots=True)
class Page:
    """What an experiment found.

    Attributes:
        title: a few words.
        what: what is asked, and why, in Markdown.
        how: what was done: network, data, how many examples, what the intervals are.
        figure: one figure.
        caption: what the figure shows.
        tables: figures in numbers; the paper's own among them where the quantity is the same.
    """

    title: str
    what: str
    how: str
    figure: Figure
    caption: str
    tables: Sequence[Table]


def write_page(page: Page, folder: Path, name: str, command: str) -> tuple[Path, bool]:
    """Write `NAME.md` and `NAME.png`.

    Args:
        page: what was found.
        folder: where to; made if it is missing.
        name: of the experiment.
        command: what makes this page.

    Returns:
        the page's file, and whether something else stood in it but for the answer: then that
        should be read again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.md"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    text = page_text(page, name, command, kept_answer(before))
    page.figure.savefig(
        folder / f"{name}.png", dpi=DPI, bbox_inches="tight", metadata={"Software": None}
    )
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
    return file, bool(before) and before != text


def page_text(page: Page, name: str, command: str, answer: str) -> str:
    """The page in Markdown."""
    tables = "\n\n".join(table.text() for table in page.tables)
    return f"""# {page.title}

{page.what}

## Answer

{ANSWER}
{answer}
{ANSWERED}

## How

{page.how}

Made by `{command}`.

## Figure

![{page.caption}]({name}.png)

{page.caption}

## Figures in numbers

{tables}
"""


def kept_answer(text: str) -> str:
    """What stands between the marks of a page; that there is nothing yet where there is none."""
    found = re.search(f"{re.escape(ANSWER)}\n(.*?)\n?{re.escape(ANSWERED)}", text, re.DOTALL)
    return found[1] if found and found[1].strip() else UNANSWERED
