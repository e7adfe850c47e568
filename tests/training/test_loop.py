"""The loop resumes where it stopped, and an interruption loses nothing."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from training.errors import Stopped, TrainingError
from training.loop import LoopSettings, Work, held_rate, prepare_process, run, step_seed


class ToyRun:
    """A linear map that learns from batches that are a function of their number."""

    def __init__(self, out: Path, interrupt_after: int | None = None, kind: int = signal.SIGINT):
        torch.manual_seed(0)
        self.out, self.interrupt_after, self.kind = out, interrupt_after, kind
        self.module = nn.Linear(4, 4)
        self.optimizer = torch.optim.AdamW(self.module.parameters(), 1e-2)
        self.steps: list[int] = []
        self.evaluated: list[int] = []

    def batches(self, first: int) -> Iterator[Tensor]:
        for number in itertools.count(first):
            yield torch.randn(8, 4, generator=torch.Generator().manual_seed(number))

    def train_step(self, step: int, batch: Tensor) -> dict[str, float]:
        self.steps.append(step)
        loss = (self.module(batch) - batch.flip(1)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if len(self.steps) == self.interrupt_after:
            os.kill(os.getpid(), self.kind)
        return {"loss": float(loss.detach())}

    def evaluate(self, step: int) -> dict[str, float]:
        self.evaluated.append(step)
        return {"figure": 1.0 / step}

    def go(self, steps: int, settings: dict[str, Any] | None = None, **loop: Any) -> None:
        run(
            LoopSettings(self.out, steps, **loop),
            settings or {"steps": steps},
            self.module,
            [self.optimizer],
            self.batches,
            self.train_step,
            self.evaluate,
            1.0,
        )


def lines(out: Path, kind: str) -> list[dict[str, Any]]:
    text = (out / "log.jsonl").read_text(encoding="utf-8")
    return [line for line in map(json.loads, text.splitlines()) if line["kind"] == kind]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(tmp_path, kind):
    straight = ToyRun(tmp_path / "straight")
    straight.go(6)
    first = ToyRun(tmp_path / "broken", interrupt_after=3, kind=kind)
    with pytest.raises(Stopped, match="stopped at step 3 of 6; the same command goes on"):
        first.go(6)
    assert first.steps == [0, 1, 2], "the step in progress is finished, no further one begun"
    second = ToyRun(tmp_path / "broken")
    second.go(6)
    assert second.steps == [3, 4, 5]
    assert torch.equal(straight.module.weight, second.module.weight)
    assert torch.equal(straight.module.bias, second.module.bias)


def test_a_finished_run_trains_no_more(tmp_path):
    ToyRun(tmp_path).go(4)
    again = ToyRun(tmp_path)
    again.go(4)
    assert again.steps == []


def test_a_crash_costs_no_more_than_the_time_between_checkpoints(tmp_path):
    crashing = ToyRun(tmp_path)
    step = crashing.train_step

    def fail(number: int, batch: Tensor) -> dict[str, float]:
        if number == 5:
            raise RuntimeError("power cut")
        return step(number, batch)

    crashing.train_step = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="power cut"):
        crashing.go(9, checkpoint_every_s=-1.0)
    again = ToyRun(tmp_path)
    again.go(9)
    assert again.steps == [5, 6, 7, 8]


def test_other_settings_are_refused(tmp_path):
    ToyRun(tmp_path).go(2, {"seed": 1})
    with pytest.raises(TrainingError, match=r"seed=1.*seed=2"):
        ToyRun(tmp_path).go(2, {"seed": 2})


def test_figures_are_written_on_the_way_and_at_the_end(tmp_path):
    toy = ToyRun(tmp_path)
    toy.go(55, evaluate_every=20)
    assert toy.evaluated == [20, 40, 55]
    assert [line["step"] for line in lines(tmp_path, "valid")] == [20, 40, 55]
    (train,) = lines(tmp_path, "train")
    assert train["step"] == 50
    assert train["loss"] > 0 and train["audio_s_per_s"] > 0
    assert list((tmp_path / "logs").glob("events.*")), "TensorBoard has something to show"


def test_the_work_is_told_by_the_second_and_against_what_the_machine_can_do():
    work = Work(peak=1e9)
    work.add(400, 1e9)
    work.add(200, 1e9)
    figures = work.figures(seconds=4.0, waited=1.0)
    assert figures == {"frames_per_s": 150.0, "waiting_share": 0.25, "peak_share": 0.5}
    assert "peak_share" not in Work().figures(1.0, 0.0), "nobody measured it"


def test_a_run_tells_its_speed_and_how_long_it_waited_for_input(tmp_path, capsys):
    toy, work = ToyRun(tmp_path), Work(peak=1e12)
    slow = toy.train_step

    def step(number: int, batch: Tensor) -> dict[str, float]:
        work.add(8, 1e6)
        return slow(number, batch)

    run(
        LoopSettings(tmp_path, 50),
        {"steps": 50},
        toy.module,
        [toy.optimizer],
        toy.batches,
        step,
        toy.evaluate,
        1.0,
        work,
    )
    (line,) = lines(tmp_path, "train")
    assert line["frames_per_s"] > 0 and 0 <= line["waiting_share"] <= 1
    assert line["peak_share"] > 0
    assert "frames/s" in capsys.readouterr().out


@given(
    steps=st.integers(2, 10_000),
    peak=st.floats(1e-5, 1e-1),
    warmup=st.integers(1, 500),
    hold_share=st.floats(0.0, 1.0),
    at=st.floats(0.0, 1.0),
)
def test_a_held_rate_rises_stays_and_falls(steps, peak, warmup, hold_share, at):
    step = round(at * steps)
    rate = held_rate(step, steps, peak, warmup, hold_share)
    assert 0 < rate <= peak
    after = held_rate(step + 1, steps, peak, warmup, hold_share)
    if step + 1 < warmup:
        assert after > rate
    elif step >= warmup:
        assert after <= rate
        if step <= hold_share * steps:
            assert rate == peak
    assert held_rate(steps + warmup, steps, peak, warmup, 0.5) == pytest.approx(0.02 * peak)


@given(seed=st.integers(0, 2**31), step=st.integers(0, 10**6))
def test_every_step_has_a_seed_of_its_own(seed, step):
    seeds = {step_seed(seed, step + offset) for offset in range(5)}
    assert len(seeds) == 5
    assert all(0 <= value < 2**63 for value in seeds)
    assert step_seed(seed, step) == step_seed(seed, step)


def test_the_threads_asked_for_are_used():
    before = torch.get_num_threads()
    prepare_process(0)
    assert torch.get_num_threads() == before
    prepare_process(2)
    assert torch.get_num_threads() == 2
    prepare_process(before)
