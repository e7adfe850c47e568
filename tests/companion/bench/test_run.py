"""`companion bench`, through the generator's own process: all of it is there, and fits together."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from companion.bench import run as benched
from companion.bench.measured import Bench, Spread
from companion.bench.report import lines, verdict, whole
from companion.cli import app as cli
from companion.control.preset import load_preset
from companion.system.errors import CompanionError


@pytest.fixture(scope="module")
def measured(toy_weights: Path) -> Bench:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benched, "MOST", 2)
        patch.setattr(benched, "STEPS_S", 0.1)
        patch.setattr("companion.bench.arithmetic.TIMES", 1)
        return benched.bench(load_preset("band"), toy_weights)[0]


def test_everything_takes_time_and_the_parts_fit_the_whole(measured: Bench) -> None:
    assert 0 < measured.ready_s < measured.first_plan_s
    assert [plans.players for plans in measured.plans] == [1, 3]
    assert measured.memory_mb is None or measured.memory_mb > 50
    for plans in measured.plans:
        parts = (plans.encode_s, plans.tokens_s, plans.audio_s)
        assert all(0 < each.p50 <= each.p95 <= each.p99 for each in (plans.plan_s, *parts))
        assert plans.plan_s.measured == 2 and plans.tokens_s.measured == 2 * plans.players
        assert max(each.p50 for each in parts) < plans.plan_s.p99
    assert (measured.steps, measured.passes) == ((8, 8, 4, 2), 2)
    assert 0 < measured.step_s.p50 <= measured.step_s.p99


def test_json_is_one_object_that_has_all_of_it(measured: Bench) -> None:
    told = json.loads(whole(measured))
    assert told["processor"]["name"] == measured.processor.name
    assert told["plans"][1]["plan_s"]["p95"] == measured.plans[1].plan_s.p95
    parts = ("begin", "steps", "audio")
    arithmetic = told["arithmetic"]
    assert arithmetic["plan"] == pytest.approx(sum(arithmetic[part] for part in parts))
    assert arithmetic["share"] > 0


def test_the_last_line_says_what_the_machine_carries(measured: Bench) -> None:
    *_, last = lines(measured)
    assert last == verdict(measured)
    assert last.startswith("this machine carries 3 players ") and ", 1 player " in last
    nobody = verdict(replace(measured, carried=()))
    assert "3 players at no tempo, 1 player at no tempo (plans of all players within" in nobody


def test_a_stand_in_is_not_measured() -> None:
    preset = load_preset("bass")
    standin = replace(preset, generator=replace(preset.generator, name="standin"))
    with pytest.raises(CompanionError, match="generator is 'standin'; valid: model"):
        benched.bench(standin)


def test_weights_that_are_not_there_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["companion", "bench", "--json", "--weights", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1 and "codec.safetensors" in printed.err


def test_a_spread_is_of_what_was_measured() -> None:
    spread = Spread.of([0.001 * each for each in range(1, 101)])
    assert (spread.p50, spread.measured) == (pytest.approx(0.0505), 100)
    assert spread.p50 < spread.p95 < spread.p99 <= 0.1
