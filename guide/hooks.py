"""What MkDocs calls while it builds the guide; `mkdocs.yml` names this file.

A page's lines `<!-- made: NAME -->` are filled in. Pages that lie beside the code, such as the
model card, become pages of the guide. A link to another page leads there; one to a file of the
project that is no page shows the file's path, since a reader of the site need not have it.
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
MADE = re.compile(r"^<!-- made: ([\w-]+) -->$", re.MULTILINE)
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

    def led(link: re.Match[str]) -> str:
        return _led(link[1], link[2], source, here, files)

    return LINK.sub(led, MADE.sub(made, markdown))


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
