"""What MkDocs calls while it builds the guide; `mkdocs.yml` names this file.

A page's lines `<!-- made: NAME -->` are filled in. So are `<!-- readme: HEADING -->`, with that
section of the README, and `<!-- readme: HEADING | TEXT -->`, with what of it begins with a text.

Pages that lie beside the code, such as the model card, become pages of the guide. A link to another
page leads there; one to a file of the project that is no page shows the file's path, since a reader
of the site need not have it.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # MkDocs runs this file by its path; the pages are made of the code

from guide.tables import TABLES  # noqa: E402

DOCS = PurePosixPath("docs")
BESIDE_THE_CODE = {
    "changes.md": "CHANGELOG.md",
    "weights.md": "model/weights/CARD.md",
    "data.md": "training/DATA.md",
    "coherence.md": "training/evaluation/COHERENCE.md",
}
"""Pages of the guide and the files, from the root, that they are."""
README = "README.md"
MADE = re.compile(r"^<!-- made: ([\w-]+) -->$", re.MULTILINE)
SHARED = re.compile(r"^<!-- readme: ([^|]+?)(?: \| (.+))? -->$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie beside the code."""
    for page, file in BESIDE_THE_CODE.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what is made, and lead links to where they lead on the site."""
    here = page.file.src_uri
    source = PurePosixPath(BESIDE_THE_CODE.get(here, str(DOCS / here)))

    def made(asked: re.Match[str]) -> str:
        if asked[1] not in TABLES:
            raise PluginError(f"{source} asks for {asked[1]!r}; valid: {', '.join(TABLES)}")
        return TABLES[asked[1]]()

    def led(text: str, source: PurePosixPath) -> str:
        return LINK.sub(lambda link: _led(link[1], link[2], source, here, files), text)

    def shared(asked: re.Match[str]) -> str:
        return led(section(asked[1], asked[2] or ""), PurePosixPath(README))

    return SHARED.sub(shared, MADE.sub(made, led(markdown, source)))


def section(heading: str, beginning: str = "") -> str:
    """A section of the README, from a text on; PluginError if there is none."""
    text = (ROOT / README).read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    if found is None or beginning not in found[1]:
        raise PluginError(
            f"README has no {heading!r} with {beginning!r}; valid: one of its headings"
        )
    return found[1][found[1].index(beginning) :]


def _led(text: str, target: str, source: PurePosixPath, here: str, files: Files) -> str:
    """A link from a file of the project as one from its page."""
    path, _, part = target.partition("#")
    if not path or re.match(r"[a-z]+:", target):
        return f"[{text}]({target})"
    file = os.path.normpath(source.parent / path)
    pages = {beside: page for page, beside in BESIDE_THE_CODE.items()}
    inside = pages.get(file, os.path.relpath(file, DOCS))
    if files.get_file_from_path(inside) is not None:
        way = os.path.relpath(inside, os.path.dirname(here) or ".")
        return f"[{text}]({way}{'#' if part else ''}{part})"
    if not inside.startswith("..") or not (ROOT / file).exists():
        return f"[{text}]({target})"  # MkDocs will say that it leads nowhere
    return f"{text} (`{file}`)"
