"""What came of a study is said in lines and on a page, and what is missing with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from companion.cli.app import app
from companion.listening.analysis import ENOUGH, Analysis, analysed
from companion.listening.answers import Answer, AnswerStore
from companion.listening.design import trials_of
from companion.listening.report import report, summary
from companion.system.errors import CompanionError
from tests.companion.listening.people import ARMS, Taste, key_of, study_of, write_study

TASTE = Taste((4.2, 3.6, 2.8, 1.8), listeners=0.4, contexts=0.3, noise=0.6)
STUDY = study_of(6, 4)


def analysis(answers: list[Answer]) -> Analysis:
    return analysed(STUDY, key_of(STUDY), answers)


def test_too_few_ratings_are_counted_down_to_fifty() -> None:
    few = analysis(TASTE.answers(STUDY, 5, seed=1))
    assert {each.ratings for each in few.conditions} == {5 * 6}
    assert {each.missing for each in few.conditions} == {ENOUGH - 5 * 6}
    assert "best: 20 ratings missing to 50" in summary(few)
    assert "Missing to 50: " in report(STUDY, few)
    enough = analysis(TASTE.answers(STUDY, 9, seed=1))
    assert not any(each.missing for each in enough.conditions)
    assert "missing" not in report(STUDY, enough).partition("<body>")[2]


def test_who_does_not_listen_is_left_out_by_the_rule_of_the_study() -> None:
    attentive = TASTE.answers(STUDY, 12, seed=2)
    absent = [
        Answer(who, place, 1 + (trial.expected == 1), f"{who}/{place}")
        for who in range(12, 16)
        for place, trial in enumerate(trials_of(STUDY, who))
    ]
    alone, together = analysis(attentive), analysis(attentive + absent)
    assert (alone.left_out, together.left_out) == (0, 4)
    assert (together.listeners, together.finished) == (16, 16)
    assert together.conditions == alone.conditions
    assert together.differences == alone.differences


def test_who_answers_by_chance_hardly_ever_gets_past_the_checks() -> None:
    by_chance = Taste(TASTE.worth, inattentive=1.0)
    assert analysis(by_chance.answers(STUDY, 100, seed=7)).left_out >= 85


def test_one_check_may_go_wrong_and_who_stops_counts_once_past_three() -> None:
    answers = TASTE.answers(STUDY, 2, seed=3)
    checks = [
        [n for n, trial in enumerate(trials_of(STUDY, who)) if trial.is_check] for who in (0, 1)
    ]
    given = [
        Answer(0, each.trial, each.value % 2 + 1, each.id) if each.trial == checks[0][3] else each
        for each in answers
        if each.listener == 0 or each.trial <= checks[1][2]
    ]
    assert (analysis(given).left_out, analysis(given).finished) == (0, 1)
    early = [each for each in given if each.listener == 0 or each.trial < checks[1][2]]
    assert (analysis(early).left_out, analysis(early).listeners) == (1, 2)


def test_practice_and_checks_do_not_count() -> None:
    answers = TASTE.answers(STUDY, 3, seed=4)
    spoilt = [
        Answer(each.listener, each.trial, 3 - each.value % 2, each.id)
        if trials_of(STUDY, each.listener)[each.trial].practice
        else each
        for each in answers
    ]
    assert analysis(spoilt) == analysis(answers)


def test_the_page_says_what_the_lines_say() -> None:
    found = analysis(TASTE.answers(STUDY, 10, seed=5))
    page, lines = report(STUDY, found), summary(found)
    assert lines[0] == "10 listeners, 10 finished, 0 left out"
    for each in found.conditions:
        assert re.search(rf"<th scope=\"row\">{each.name}</th>", page)
        assert f"{each.rating.value:.2f} ({each.rating.low:.2f} to {each.rating.high:.2f})" in page
    assert re.search(r'over naive</th><td>[^<]*</td><td>[^<]*</td><td class="found">yes', page)
    assert any(line.startswith("human fits better than naive: p < 0.001") for line in lines)
    assert page.count("<svg") == 1
    assert "<script" not in page
    elsewhere = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert not elsewhere


def test_nothing_answered_is_no_error() -> None:
    nothing = analysis([])
    assert [each.ratings for each in nothing.conditions] == [0, 0, 0, 0]
    assert "no two conditions were told apart" in summary(nothing)
    assert "Missing to 50" in report(STUDY, nothing)


def test_analyse_reads_the_answers_and_writes_the_page(tmp_path: Path) -> None:
    study = write_study(tmp_path, contexts=4, arms=4)
    store = AnswerStore(tmp_path / "answers.sqlite")
    for who in range(3):
        assert store.join(f"{who:032x}") == who
    for answer in TASTE.answers(study, 3, seed=6):
        assert store.keep(answer) == "stored"
    store.close()
    done = CliRunner().invoke(app, ["listen-test", "analyse", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("3 listeners, 3 finished, 0 left out\n")
    assert (tmp_path / "analysis.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("missing", "message"),
    [("key/key.json", "put back at its place"), ("answers.sqlite", "a study that was served")],
)
def test_what_the_analysis_lacks_is_named(tmp_path: Path, missing: str, message: str) -> None:
    write_study(tmp_path)
    AnswerStore(tmp_path / "answers.sqlite").close()
    (tmp_path / missing).unlink()
    with pytest.raises(CompanionError, match=message):
        CliRunner().invoke(app, ["listen-test", "analyse", str(tmp_path)], catch_exceptions=False)


def test_answers_are_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"something else, and long enough to be read" * 99)
    with pytest.raises(CompanionError, match="answers cannot be kept"):
        AnswerStore(tmp_path / "answers.sqlite")


def test_the_arms_of_the_tests_are_conditions() -> None:
    assert len(key_of(study_of(2, 6)).arms) == len(ARMS) == 6
