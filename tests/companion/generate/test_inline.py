"""What only the inline worker promises; the rest is in the contract."""

from __future__ import annotations

import pytest

from companion.generate.generator import StemGenerator
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading, loading
from companion.system.errors import CompanionError


def test_a_plan_is_done_when_submit_returns_and_takes_none_of_the_clocks_time(
    make_request,
) -> None:
    worker = InlineWorker(loading("standin"))
    assert worker.wait_ready().plan_s == 0.0
    worker.submit(1, [make_request()])
    worker.submit(2, [make_request()])
    assert [end.plan for end in worker.poll()] == [1, 2]  # none is taken over


def test_it_says_how_many_threads_it_computes_with() -> None:
    standin = loading("standin")
    source = Loading(standin.load, lambda _: None, lambda: 3)
    assert InlineWorker(source).wait_ready().threads == 3
    assert InlineWorker(standin).wait_ready().threads == 0


@pytest.mark.parametrize("error", [ValueError("weights x"), ImportError("no torch")])
def test_a_generator_that_cannot_be_loaded_is_one_line(error: Exception) -> None:
    def load() -> StemGenerator:
        raise error

    with pytest.raises(CompanionError, match=str(error)):
        InlineWorker(Loading(load)).wait_ready()


def test_the_model_is_loaded_from_where_it_is_told(tmp_path) -> None:
    source = loading("model", "cpu", tmp_path / "nothing")
    assert source.set_threads is not None
    with pytest.raises(CompanionError, match=r"nothing.*missing"):
        InlineWorker(source).wait_ready()
