"""The page says what was measured, and says so where a figure means nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from training.evaluation.listening import Listening
from training.evaluation.page import page
from training.evaluation.plots import contrast_plot, fad_plot, gap_plot
from training.evaluation.summary import CODED

TOLD = {"ours": 0.5, "true": 0.8, "random": 0.3, "closed": 0.4, "low": 0.2, "high": 0.6}
GAP = {**TOLD, "distinct": True, "examples": 40}
ALIKE = {**GAP, "closed": 7.77, "low": None, "high": None, "distinct": False}
CODEC = {**TOLD, "ours": 0.75, "closed": 0.9, "low": 0.7, "high": 1.1}
FAD = {
    "distances": {"whole/shipped": 5.25, CODED: 1.25},
    "floor": 1.5,
    "vectors": 1100,
    "embedding": "an <embedding>",
}


@pytest.fixture
def report() -> dict:
    gaps = {"all": {"key": GAP, "grid onsets": ALIKE}, "drums": {"grid onsets": ALIKE}}
    contrast = {"what": "guidance", "with": "a", "without": "b", "measure": "key"}
    example = {"name": "x", "song": "00001", "instrument": "bass", "tempo": 120.0}
    return {
        "weights": "abc",
        "settings": {"seed": 1, "examples": 40, "songs": 60},
        "examples": {"repeating": [example] * 40, "changing": [example] * 40},
        "scenarios": {"whole": {"text": "all <b>heard</b>", "gaps": gaps}},
        "variants": {"naive": {"text": "nothing", "gaps": gaps}},
        "codec": {
            kind: {"all": {"key": {**CODEC, "distinct": True, "examples": 40}}}
            for kind in ("repeating", "changing")
        },
        "checks": {"another random one": gaps},
        "contrasts": [
            {
                **contrast,
                "verdict": "improves",
                "difference": 0.1,
                "low": 0.05,
                "high": 0.15,
                "examples": 40,
                "sure": True,
            }
        ],
        "fad": {"FAD 1": {"all": FAD, "bass": {**FAD, "distances": {}}}, "FAD 2": {}},
        "mirdd": {"floor": {"mean": 0.1, "examples": 20}},
        "collapse": {
            "silent": {CODED: 0.05, "true": 0.04},
            "entropy_bits": {CODED: [9.0, 8.0, 7.0, 6.0]},
            "variety": {"mean": 0.7, "examples": 12, "takes": 3},
        },
        "copying": {
            "cycle/shipped": {
                "copied": 0.02,
                "ours": 0.6,
                "held_out": 0.65,
                "stems": 40,
                "songs": 150,
            }
        },
        "recordings": {
            "the real guitar": {"right": {"chroma": 0.74}, "wrong": {}, "recordings": 1}
        },
        "seconds": {"measure": 12.0},
    }


def rows(text: str, beginning: str) -> list[str]:
    """The cells of the rows that begin with a word, without their tags."""
    found = re.findall(rf"<tr><td>{re.escape(beginning)}</td>.*?</tr>", text)
    return [" | ".join(re.findall(r">([^<>]+)<", row)) for row in found]


def test_a_share_stands_beside_its_anchors_and_interval(report):
    row, by_group, *_ = rows(page(report, []), "key")
    assert row == "key | 0.50 | 0.50 | 0.75 | 0.80 | 0.30 | 0.40 (0.20 … 0.60) | 40"
    assert by_group.startswith("key | 0.40 (0.20 … 0.60)")


def test_the_true_stem_through_the_codec_stands_beside_ours(report):
    text = page(report, [])
    assert [row.split(" | ")[1] for row in rows(text, "key")][2] == "0.90 (0.70 … 1.10)"
    distance, silent = rows(text, CODED)
    assert distance == f"{CODED} | 1.25 | –"
    assert silent == f"{CODED} | 5.0% | 9.00 | 8.00 | 7.00 | 6.00"
    assert rows(text, "true") == ["true | 4.0% | – | – | – | –"], "what is no token has no entropy"


def test_the_live_scenario_of_other_chords_has_a_codec_of_its_own_windows(report):
    report["scenarios"]["chord_change"] = report["scenarios"].pop("whole")
    report["codec"]["changing"]["all"]["key"]["ours"] = 0.65
    row, *_ = rows(page(report, []), "key")
    assert row == "key | 0.50 | – | 0.65 | 0.80 | 0.30 | 0.40 (0.20 … 0.60) | 40"


def test_fad_stands_above_its_floor_and_what_is_left_out_is_named(report):
    text = page(report, [])
    assert rows(text, "whole/shipped") == ["whole/shipped | 5.25 | –"]
    assert rows(text, "floor")[0] == "floor | 1.50 | 1.50"
    assert rows(text, "vectors a side") == ["vectors a side | 1100 | 1100"]
    assert "FAD 2 is left out" in text and "FAD 1 is left out" not in text


def test_no_share_is_given_where_the_anchors_are_alike(report):
    text = page(report, [])
    assert "7.77" not in text
    assert all("anchors alike" in row for row in rows(text, "grid onsets"))


def test_no_share_is_given_where_random_stems_have_more_than_true_ones(report):
    turned = {**GAP, "true": 0.3, "random": 0.8, "closed": 8.88}
    report["scenarios"]["whole"]["gaps"]["all"]["key"] = turned
    text = page(report, [])
    assert "8.88" not in text and "random above true" in text


def test_names_are_text_and_no_markup(report):
    text = page(report, [])
    assert "all &lt;b&gt;heard&lt;/b&gt;" in text and "an &lt;embedding&gt;" in text


def test_everything_else_is_there(report):
    text = page(report, [Listening("a bass", {"context": "audio/a.ogg", "ours": "audio/b.ogg"})])
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    assert "Guidance improves key +0.100 (+0.050 to +0.150)." in plain
    assert "2.0% of 40 stems" in plain
    assert rows(text, "the real guitar") == ["the real guitar | chroma | 0.74 | – | 1"]
    assert text.count("<audio") == 2


def test_without_sounds_copies_or_descriptors_the_page_is_shorter(report):
    del report["copying"]
    report["mirdd"] = {}
    text = page(report, [])
    assert "<audio" not in text and "Copying" not in text and "MIRDD" not in text


def test_figures_are_svg_and_the_same_each_time(report):
    shares = {name: side["gaps"]["all"] for name, side in report["scenarios"].items()}
    for draw in (
        lambda: gap_plot(shares),
        lambda: gap_plot({}),
        lambda: contrast_plot(report["contrasts"], ["guidance"]),
        lambda: fad_plot("FAD 1", FAD),
        lambda: fad_plot("FAD 1", {**FAD, "distances": {}}),
    ):
        assert ElementTree.fromstring(draw()).tag.endswith("svg")
        assert draw() == draw()
