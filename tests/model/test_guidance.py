"""Guidance over any number of sources, worked by hand and by property."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.guidance import Term, combine, guidance_terms
from model.request import FORMS

SOURCES = ("audio", "clock", "instrument")
weights = st.dictionaries(st.sampled_from(SOURCES), st.floats(0, 6), min_size=1)


def shares(terms: tuple[Term, ...]) -> dict[str, float]:
    return {"+".join(sorted(term.sources)): term.coefficient for term in terms}


def test_the_paper_uses_three_passes():
    terms = guidance_terms({"audio": 3.0, "instrument": 3.0}, "product")
    assert shares(terms) == {"audio": 3.0, "instrument": 3.0, "": -5.0}


def test_three_sources_as_a_product():
    terms = guidance_terms({"audio": 3.0, "instrument": 2.0, "clock": 1.0}, "product")
    assert shares(terms) == {"audio": 3.0, "instrument": 2.0, "clock": 1.0, "": -5.0}


def test_joint_at_one_is_the_conditional_itself():
    terms = guidance_terms({"audio": 1.0, "instrument": 1.0, "clock": 1.0}, "joint")
    assert shares(terms) == {"audio+clock+instrument": 1.0}


def test_joint_needs_a_pass_only_for_a_source_that_is_guided():
    terms = guidance_terms({"audio": 2.0, "instrument": 1.0, "clock": 1.0}, "joint")
    assert shares(terms) == {"audio+clock+instrument": 1.0, "audio": 1.0, "": -1.0}


def test_contrast_at_one_is_the_conditional_itself():
    terms = guidance_terms({"audio": 1.0, "instrument": 1.0, "clock": 1.0}, "contrast")
    assert shares(terms) == {"audio+clock+instrument": 1.0}


def test_contrast_needs_one_pass_for_sources_that_are_turned_alike():
    terms = guidance_terms({"audio": 3.0, "instrument": 1.0, "clock": 3.0}, "contrast")
    assert shares(terms) == {"audio+clock+instrument": 3.0, "instrument": -2.0}
    terms = guidance_terms({"audio": 3.0, "instrument": 1.0, "clock": 2.0}, "contrast")
    assert shares(terms) == {
        "audio+clock+instrument": 4.0,
        "audio+instrument": -1.0,
        "clock+instrument": -2.0,
    }


@given(st.sampled_from(SOURCES), st.floats(0, 6))
def test_all_forms_agree_for_one_source(source, weight):
    product, *others = (shares(guidance_terms({source: weight}, form)) for form in FORMS[:0:-1])
    for other in others:
        assert product.keys() == other.keys()
        for key, share in product.items():
            assert other[key] == pytest.approx(share)


@given(weights, st.sampled_from(FORMS))
def test_coefficients_sum_to_one(weights, form):
    assert sum(term.coefficient for term in guidance_terms(weights, form)) == pytest.approx(1.0)


@given(weights, st.sampled_from(FORMS), st.integers(0, 1000))
def test_sources_that_say_nothing_change_nothing(weights, form, seed):
    one = torch.randn(5, 7, generator=torch.Generator().manual_seed(seed))
    terms = guidance_terms(weights, form)
    guided = combine(one.expand(len(terms), -1, -1), terms)
    torch.testing.assert_close(guided, torch.log_softmax(one, -1), atol=1e-4, rtol=1e-4)


def test_two_sources_by_hand():
    # p(t) = (1/2, 1/2), p(t|a) = (3/4, 1/4), p(t|i) = (1/4, 3/4); weights 2 and 1:
    # p(a)^2 p(i)^1 p()^-2 is proportional to (9/16 * 1/4, 1/16 * 3/4) = (9, 3) / 64.
    terms = (
        Term(frozenset({"audio"}), 2.0),
        Term(frozenset({"instrument"}), 1.0),
        Term(frozenset(), -2.0),
    )
    assert guidance_terms({"audio": 2.0, "instrument": 1.0}, "product") == terms
    logits = torch.tensor([[3 / 4, 1 / 4], [1 / 4, 3 / 4], [1 / 2, 1 / 2]]).log()
    torch.testing.assert_close(combine(logits, terms).exp(), torch.tensor([0.75, 0.25]))


def test_an_unknown_form_is_named():
    with pytest.raises(ValueError, match="'sum'; valid: distilled, contrast, joint, product"):
        guidance_terms({"audio": 1.0}, "sum")
