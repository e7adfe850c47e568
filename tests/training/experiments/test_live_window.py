"""The page of the live window says what the report says."""

from __future__ import annotations

import json

import pytest

from training.errors import TrainingError
from training.evaluation.scenarios import SCENARIOS
from training.experiments.live_window import read_report, run, share
from training.experiments.page import page_text

GAP = {"closed": 0.5, "low": 0.4, "high": 0.6, "true": 0.8, "random": 0.3, "examples": 9}


def test_every_scenario_of_the_report_has_its_share(rehearsal):
    page = run(rehearsal)
    gaps = json.loads(rehearsal.report.read_text())["scenarios"]
    rows = {row[0]: row[1:] for row in page.tables[0].rows}
    assert list(rows) == [scenario.name for scenario in SCENARIOS]
    for name, cells in rows.items():
        told = gaps[name]["gaps"]["all"]["learned coherence"]
        assert cells[0] == f"{told['closed']:.2f} [{told['low']:.2f}, {told['high']:.2f}]"
        assert cells[-1] == "12"
    assert "without" not in page.how.split("The gap closed")[0].split("\n\n")[-1]


def test_a_report_of_fewer_scenarios_says_what_it_lacks(rehearsal, tmp_path):
    report = json.loads(rehearsal.report.read_text())
    del report["scenarios"]["chart_no_cycle"], report["codec"]
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report))
    settings = type(rehearsal)(
        rehearsal.out, tmp_path, tmp_path, tmp_path, None, file, 2, 0, quick=True
    )
    text = page_text(run(settings), "live-window", "python", "")
    assert "This report is without chart_no_cycle." in text
    assert "anchors have gone through the codec" in text


def test_no_share_is_told_where_a_measure_cannot_tell_true_from_random():
    assert share({**GAP, "distinct": True}).text() == "0.50 [0.40, 0.60]"
    assert share({**GAP, "distinct": False}).text() == "–"
    assert share({**GAP, "distinct": True, "true": 0.2}).text() == "–"
    assert share(None).text() == "–"


@pytest.mark.parametrize("text", [None, "{", "[]", '{"weights": "x"}'])
def test_what_is_no_report_is_one_line(tmp_path, text):
    file = tmp_path / "report.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(TrainingError) as error:
        read_report(file)
    assert str(file) in str(error.value) and "\n" not in str(error.value)
