"""With less time a plan does without steps first, then passes, and never takes more than asked."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from companion.generate.effort import FEW_STEPS, Effort, hurried, ladder, with_passes
from model.request import ALWAYS_GUIDED, FORMS

weights = st.sampled_from([0.0, 1.0, 2.0, 2.9, 3.0, 6.0])
efforts = st.builds(
    lambda steps, audio, instrument, clock, form: Effort(
        (steps, steps, max(1, steps // 2), max(1, steps // 4)),
        {"audio": audio, "instrument": instrument, "clock": clock},
        form,
    ),
    st.integers(1, 64),
    weights,
    weights,
    weights,
    st.sampled_from(FORMS),
)
DEFAULT = Effort((8, 8, 4, 2), {"audio": 3.0, "instrument": 1.0, "clock": 3.0}, "contrast")


def test_the_knobs_as_they_start_give_up_steps_then_passes_then_steps() -> None:
    rungs = [(rung[0].steps, rung[0].passes) for rung in ladder([DEFAULT])]
    assert rungs == [
        ((8, 8, 4, 2), 2),
        ((7, 7, 4, 2), 2),
        ((6, 6, 3, 2), 2),
        ((5, 5, 3, 2), 2),
        ((4, 4, 2, 1), 2),
        ((4, 4, 2, 1), 1),
        ((3, 3, 2, 1), 1),
        ((2, 2, 1, 1), 1),
        ((1, 1, 1, 1), 1),
    ]


@given(st.lists(efforts, min_size=1, max_size=4))
def test_each_rung_takes_no_more_than_the_one_before(wishes: list[Effort]) -> None:
    rungs = list(ladder(wishes))
    assert rungs[0] == tuple(wishes)
    for before, after in pairwise(rungs):
        assert before != after
        for more, less in zip(before, after, strict=True):
            assert all(a >= b >= 1 for a, b in zip(more.steps, less.steps, strict=True))
            assert more.passes >= less.passes >= 1
    for effort in rungs[-1]:
        assert (effort.steps, effort.passes) == ((1, 1, 1, 1), 1)


@given(st.lists(efforts, min_size=1, max_size=4))
def test_steps_go_below_a_few_only_when_no_pass_is_left(wishes: list[Effort]) -> None:
    for rung in ladder(wishes):
        for effort, wish in zip(rung, wishes, strict=True):
            few = [min(pair) for pair in zip(wish.steps, FEW_STEPS, strict=True)]
            if any(a < b for a, b in zip(effort.steps, few, strict=True)):
                assert all(each.passes == 1 for each in rung)


@given(efforts, st.integers(1, 4))
def test_fewer_passes_are_no_more_than_asked_and_lean_no_further(
    effort: Effort, passes: int
) -> None:
    thinner = with_passes(effort, passes)
    assert thinner.passes <= max(passes, 1)
    assert set(thinner.guidance) == set(ALWAYS_GUIDED)
    low, high = (f([1.0, *effort.guidance.values()]) for f in (min, max))
    assert all(low <= weight <= high for weight in thinner.guidance.values())
    if effort.passes <= passes:
        assert thinner == effort


def test_sources_that_are_turned_nearly_alike_are_taken_together_first() -> None:
    effort = Effort((8, 8, 4, 2), {"audio": 3.1, "instrument": 5.0, "clock": 3.0}, "contrast")
    assert effort.passes == 4
    three, two, one = (with_passes(effort, passes) for passes in (3, 2, 1))
    assert three.guidance == {"audio": 3.05, "instrument": 5.0, "clock": 3.05}
    assert len(set(two.guidance.values())) == 1 and two.guidance["audio"] > 3.05
    assert one.guidance == dict.fromkeys(ALWAYS_GUIDED, 1.0)


def test_finished_at_once_is_a_step_a_level_with_the_same_guidance() -> None:
    assert hurried(DEFAULT).steps == (1, 1, 1, 1)
    assert hurried(DEFAULT).guidance == DEFAULT.guidance
