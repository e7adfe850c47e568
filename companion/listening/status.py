"""The owner's view of a study while it runs: how far it is, and nothing of what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from companion.listening.analysis import ENOUGH, asked, counts, left_out, progress
from companion.listening.answers import Answer
from companion.listening.study import Study


def status_page(study: Study, answers: Sequence[Answer]) -> str:
    """A page: listeners, and how many ratings are missing, without names."""
    given = asked(study, answers)
    out = left_out(study, given)
    begun, finished = progress(study, answers)
    ratings = Counter(
        trial.arms[0]
        for trial, answer in given
        if answer.listener not in out and counts(trial, "rating")
    )
    fewest = min(ratings[arm] for arm in range(study.arms))
    rows = {
        "listeners that have begun": begun,
        "listeners that have finished": finished,
        "listeners left out (or not yet past their checks)": len(out),
        "answers stored": len(answers),
        "ratings of each condition, at least": fewest,
        f"missing to {ENOUGH}": max(0, ENOUGH - fewest),
    }
    cells = "".join(f"<tr><th scope=row>{name}</th><td>{n}</td></tr>" for name, n in rows.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Listening test: how far it is</title><link rel="stylesheet" href="/page/style.css">'
        f"<main><h1>How far it is</h1><table>{cells}</table></main></html>"
    )
