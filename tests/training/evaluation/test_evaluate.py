"""`python -m training evaluate` from end to end at toy size: one report, and nothing made twice."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from model.generator import StemGenerator
from model.grid import HOP, SAMPLE_RATE
from training.__main__ import main
from training.evaluation.anchors import context_of, random_stem, true_stem
from training.evaluation.coherence import Coherence
from training.evaluation.evaluate import ReportSettings, recipes_of
from training.evaluation.examples import draw_examples
from training.evaluation.held_out import find_song, read_songs
from training.evaluation.measuring import MEASURES
from training.evaluation.rhythm import grid_agreement
from training.evaluation.scenarios import SCENARIOS, VARIANTS
from training.evaluation.summary import CODED, OTHER_RANDOM, RANDOM, RANDOM_TIME, TRUE

EXAMPLES = 2


def call(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["training", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, make_clicks, make_notes) -> Path:
    """Two recordings of five bars, the first with a stem, and one that is too short."""
    folder = tmp_path_factory.mktemp("recordings")
    index = []
    for name, bpm, bars in (("one", 120.0, 5), ("two", 150.0, 5), ("short", 120.0, 4)):
        seconds = bars * 240 / bpm
        sound = make_notes((48, 52, 55), seconds) + make_clicks(
            np.arange(0.1, seconds - 0.1, 60 / bpm), seconds
        )
        soundfile.write(folder / f"{name}.ogg", sound, SAMPLE_RATE)
        index.append({"file": f"{name}.ogg", "stem": None, "bpm": bpm})
    soundfile.write(folder / "one.guitar.ogg", make_notes((60,), 10.0), SAMPLE_RATE)
    index[0]["stem"] = "one.guitar.ogg"
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def training_songs(tmp_path_factory, make_song) -> Path:
    folder = tmp_path_factory.mktemp("training-songs")
    make_song(folder / "train" / "00000", 120.0, bars=5)
    return folder


@pytest.fixture(scope="module")
def written(
    tmp_path_factory, held_out, recordings, training_songs, toy_weights
) -> tuple[Path, list]:
    out = tmp_path_factory.mktemp("report")
    arguments = ["--held-out", held_out, "--recordings", recordings, "--band", training_songs]
    arguments += ["--weights", toy_weights, "--out", out, "--workers", 1]
    arguments += ["--examples", EXAMPLES]
    with pytest.MonkeyPatch.context() as patch:
        assert call(patch, *arguments) == 0
    return out, arguments


@pytest.fixture(scope="module")
def report(written) -> dict:
    return json.loads((written[0] / "report" / "report.json").read_text())


def test_every_scenario_and_variant_is_measured(report):
    assert list(report["scenarios"]) == [scenario.name for scenario in SCENARIOS]
    assert list(report["variants"]) == [variant.name for variant in VARIANTS]
    for side in (*report["scenarios"].values(), *report["variants"].values()):
        assert set(side["gaps"]["all"]) <= set(MEASURES)
        grid = side["gaps"]["all"]["grid onsets"]
        assert grid["examples"] == EXAMPLES
        assert {"closed", "low", "high", "ours", "true", "random", "distinct"} <= set(grid)


def test_shipped_is_the_same_as_a_variant_and_as_a_scenario(report):
    assert report["variants"]["shipped"]["gaps"] == report["scenarios"]["whole"]["gaps"]


def test_populations_are_compared(report):
    assert report["mirdd"]["floor"]["mean"] >= 0 and CODED in report["mirdd"]
    assert len(report["collapse"]["entropy_bits"][CODED]) == 4
    assert 0 <= report["collapse"]["silent"]["cycle/shipped"] <= 1
    assert {row["what"] for row in report["contrasts"]} >= {"guidance", "causal bias"}


def test_too_few_vectors_give_no_fad_and_it_is_said(written, report):
    assert report["fad"] == {"FAD 1": {}, "FAD 2": {}}
    assert not any("FAD" in row["measure"] for row in report["contrasts"])
    assert "FAD 1 is left out" in (written[0] / "report" / "index.html").read_text()


def test_the_anchors_are_what_is_in_the_songs(held_out, report):
    """Figures of the true and random stems, measured once more on audio that no codec has seen."""
    songs = read_songs(held_out)
    examples = draw_examples(songs, EXAMPLES, 1, 256, repeating=True)
    gaps = report["scenarios"]["whole"]["gaps"]["all"]
    raw = [true_stem(find_song(held_out, e.song), e) for e in examples]
    locks = [grid_agreement(stem, e.tempo).f1 for stem, e in zip(raw, examples, strict=True)]
    assert gaps["grid onsets, F1"]["true"] == pytest.approx(np.mean(locks))
    others = [random_stem(find_song(held_out, e.others[0].song), e.others[0], e) for e in examples]
    coherence = Coherence.load()
    scores = [
        coherence.score(stem, context_of(find_song(held_out, e.song), e))
        for stem, e in zip(others, examples, strict=True)
    ]
    assert gaps["learned coherence"]["random"] == pytest.approx(np.mean(scores), abs=1e-4)
    coded = report["codec"]["repeating"]["all"]["learned coherence"]
    assert coded["true"] == gaps["learned coherence"]["true"] != coded["ours"]


def test_a_codec_that_destroys_everything_changes_its_own_row_alone(
    monkeypatch, tmp_path, held_out, toy_generator
):
    settings = ReportSettings(held_out, tmp_path, None, None, tmp_path, 1, 1, 1)
    (example,) = draw_examples(read_songs(held_out), 1, 1, 256, repeating=True)
    recipes = recipes_of(settings, example, repeating=True)
    names = (TRUE, CODED, RANDOM, RANDOM_TIME, OTHER_RANDOM)
    before = {name: recipes[name].make(toy_generator).audio for name in names}

    def destroyed(self: StemGenerator, tokens: torch.Tensor) -> torch.Tensor:
        return torch.zeros(tokens.shape[1] * HOP)

    monkeypatch.setattr(StemGenerator, "decode", destroyed)
    after = {name: recipes[name].make(toy_generator).audio for name in names}
    assert [n for n in names if not np.array_equal(before[n], after[n])] == [CODED]
    assert not after[CODED].any() and after[TRUE].any() and after[RANDOM].any()


def test_recordings_have_a_right_and_a_wrong_song(report):
    assert set(report["recordings"]) == {"bass", "drums", "piano", "the real guitar"}
    bass = report["recordings"]["bass"]
    assert bass["recordings"] == 2 and set(bass["right"]) == set(bass["wrong"])
    assert "chroma" in bass["right"] and "chroma" not in report["recordings"]["drums"]["right"]


def test_the_page_stands_alone_beside_its_sounds(written):
    out = written[0] / "report"
    page = (out / "index.html").read_text()
    assert page.count("<svg") == 2
    assert not re.findall(r"https?://(?!www\.w3\.org/)", page)  # names of SVG itself
    sounds = re.findall(r'src="([^"]+)"', page)
    assert sounds and all((out / name).stat().st_size > 1000 for name in sounds)
    audio, rate = soundfile.read(out / sounds[0])
    assert rate == 48_000 and np.abs(audio).max() > 0.1


def test_a_second_run_makes_nothing_again(monkeypatch, written, report):
    out, arguments = written
    stems = sorted((out / "stems").glob("*.safetensors"))
    made = {path: path.stat().st_mtime_ns for path in stems}
    stems[0].unlink()
    assert call(monkeypatch, *arguments) == 0
    again = json.loads((out / "report" / "report.json").read_text())
    after = {path: path.stat().st_mtime_ns for path in (out / "stems").glob("*.safetensors")}
    assert set(after) == set(made)
    assert [path for path in made if made[path] != after[path]] == [stems[0]]
    for timed in ("seconds", "core_seconds"):
        del again[timed], report[timed]
    assert again == report


def test_missing_songs_are_one_line(monkeypatch, capsys, tmp_path, toy_weights):
    arguments = ("--held-out", tmp_path / "no", "--weights", toy_weights, "--out", tmp_path / "o")
    assert call(monkeypatch, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "no" / "test") in line


def test_a_missing_index_is_one_line(monkeypatch, capsys, tmp_path, held_out, toy_weights):
    arguments = ("--held-out", held_out, "--recordings", tmp_path, "--weights", toy_weights)
    assert call(monkeypatch, *arguments, "--out", tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "index.json") in line
