"""All that `companion doctor` may find, and what it says to do."""

from __future__ import annotations

from guide.markdown import code, plain, table
from guide.wording import GAP, calls, files

GRADES = {"ok": "good", "note": "it plays all the same", "wrong": "it does not play"}
ORDER = tuple(GRADES)[::-1]


def findings() -> str:
    """What is wrong first, then what could be better; what is good needs no word."""
    found = {
        (grade, about, said, do)
        for file in files("companion/setup")
        for call in calls(file, "Finding")
        if len(call.texts) == 4
        for grade in call.texts[0]
        for about in call.texts[1]
        for said in call.texts[2]
        for do in call.texts[3]
        if grade != "ok" and do not in ("", GAP)
    }
    rows = sorted(found, key=lambda each: (_place(each[0]), each))
    return table(
        ("found", "about", "what it says", "what to do"),
        ((code(_grade(g)), plain(about), plain(said), plain(do)) for g, about, said, do in rows),
    )


def _grade(grade: str) -> str:
    return grade if grade in GRADES else "note or wrong"


def _place(grade: str) -> int:
    return ORDER.index(grade) if grade in ORDER else 1
