"""Every error of a command: one line, by the room that it comes from."""

from __future__ import annotations

from importlib import import_module

from guide.markdown import plain
from guide.wording import GAP, calls, files

ERRORS = ("CompanionError", "NoDevice", "NoMidi", "NoQuery")


def errors() -> str:
    """A list for each room of the companion, and one for the model."""
    folders = sorted({file.rpartition("/")[0] for file in files("companion")} - {"companion"})
    sections = []
    for folder in [*folders, "model"]:
        found = _of(folder)
        if found:
            about = (import_module(folder.replace("/", ".")).__doc__ or "").split(". ")[0]
            title = f"### {folder.rpartition('/')[2]}\n\n{plain(about.split(chr(10))[0])}\n"
            sections.append("\n".join([title, *(f"- {plain(text)}" for text in found), ""]))
    return "\n".join(sections)


def _of(folder: str) -> list[str]:
    here = (file for file in files(folder) if file.rpartition("/")[0] == folder)
    called = (call for file in here for call in calls(file, *ERRORS) if call.texts)
    found = {text for call in called for text in call.texts[0]}
    return sorted(text for text in found if any(part.strip(" :;,") for part in text.split(GAP)))
