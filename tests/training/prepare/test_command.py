"""From a folder of recordings to a trained network, through the commands that a user types."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import load_network
from model.instruments import INSTRUMENTS
from model.network import StemNetwork
from tests.training.prepare.conftest import MAKERS, write_audio
from training.__main__ import main
from training.stemgen.pairs import draw_batch
from training.stemgen.settings import SIZES
from training.stemgen.shards import MIXES, draw_mixes, read_shards
from training.stemgen.sources import sources_of


def call(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["training", *map(str, arguments)])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture(scope="session")
def prepared(sets, codec_weights, tmp_path_factory) -> dict[str, Path]:
    """Shards of each set, by its layout's name."""
    with pytest.MonkeyPatch.context() as patch:
        made = {}
        for name, folder in sets.items():
            made[name] = tmp_path_factory.mktemp("shards")
            options = ("--out", made[name], "--codec", codec_weights, "--workers", 1)
            assert call(patch, "prepare", folder, *options) == 0
    return made


def shards(out: Path, split: str) -> Path:
    (folder,) = out.glob(f"*/{split}")
    return folder


@pytest.mark.parametrize("name", MAKERS)
def test_a_network_is_trained_from_each_layout(
    monkeypatch, capsys, prepared, codec_weights, tmp_path, name
):
    arguments = ("--shards", prepared[name], "--codec", codec_weights, "--out", tmp_path)
    more = ("--size", "tiny", "--steps", 20, "--device", "cpu", "--threads", 1)
    assert call(monkeypatch, "stemgen", *arguments, *more) == 0
    printed = capsys.readouterr().out
    assert f"weights: {tmp_path / 'stemgen.safetensors'}" in printed.replace("\n", "")
    network = load_network(tmp_path / "stemgen.safetensors")
    assert network.config.width == SIZES["tiny"].network.width
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["kind"] == "valid" and lines[-1]["step"] == 20


@pytest.mark.parametrize("name", MAKERS)
def test_shards_hold_what_the_set_has(prepared, name):
    expected = {
        "Slakh2100": {"drums", "bass", "piano"},
        "MUSDB18-HQ": {"drums", "bass", "other"},
        "MoisesDB": {"drums", "bass", "organ", "synth pad"},
        "a folder of stems": {"drums", "bass", "guitar"},
    }[name]
    for split in ("train", "valid"):
        for song in read_shards(shards(prepared[name], split)):
            assert {INSTRUMENTS[number] for number in song.instruments} == expected
            assert song.frames == 21 * 50
            assert song.sounding.mean() > 0.9
            assert all(set(mix) < set(range(len(song.instruments))) for mix in song.members)


def test_what_nobody_knows_is_not_told(prepared):
    """No chords of any recording, and the beats of Slakh's alone, which its MIDI tells."""
    for name, folder in prepared.items():
        songs = read_shards(shards(folder, "train"))
        batch = draw_batch(songs, 4, 64, 1, 0)
        told = sources_of(StemNetwork(SIZES["tiny"].network), batch).told()
        assert told >= {"audio", "instrument", "sound"} and "harmony" not in told
        assert ("clock" in told) == (name == "Slakh2100")
        assert bool(batch.clock_known.all()) == (name == "Slakh2100")
        if name != "Slakh2100":
            assert not batch.phase.any() and not batch.guessed.any()


def test_a_dry_run_says_what_is_used_and_writes_nothing(monkeypatch, capsys, sets, tmp_path):
    out = tmp_path / "shards"
    assert call(monkeypatch, "prepare", sets["MUSDB18-HQ"], "--out", out, "--dry-run") == 0
    printed = capsys.readouterr().out
    assert not out.exists()
    for said in (
        ": MUSDB18-HQ",
        "licence: for academic purposes only",
        "train: 1 songs in 1 pieces, 0.01 hours",
        "valid: 1 songs",
        "drums 0.01 h",
        "left out, 1, its test split is kept to measure with: B - Other",
    ):
        assert said in printed, said


def test_the_card_names_the_licence_and_guesses_none(prepared, sets):
    cards = {name: (out / "CARD.md").read_text() for name, out in prepared.items()}
    assert "licence: CC-BY-4.0" in cards["Slakh2100"]
    assert "licence: for academic purposes only" in cards["MUSDB18-HQ"]
    assert "licence: not known here: no file in it says so" in cards["MoisesDB"]
    assert "licence: not known here: see LICENSE.txt in it" in cards["a folder of stems"]
    for name, card in cards.items():
        assert card.startswith(f"# {sets[name].name}: {name}")


def test_what_is_there_is_kept_and_what_is_missing_is_written_again_the_same(
    monkeypatch, prepared, sets, codec_weights, tmp_path
):
    out = tmp_path / "shards"
    shutil.copytree(prepared["a folder of stems"], out)
    (lost,), (kept,) = shards(out, "train").iterdir(), shards(out, "valid").iterdir()
    (before,), stamp = read_shards(lost.parent), kept.stat().st_mtime_ns
    lost.unlink()
    rest = ("--out", out, "--codec", codec_weights, "--workers", 1)
    assert call(monkeypatch, "prepare", sets["a folder of stems"], *rest) == 0
    assert kept.stat().st_mtime_ns == stamp
    (again,) = read_shards(lost.parent)
    assert again.members == before.members and again.name == before.name
    assert (again.stems == before.stems).all() and (again.mixes == before.mixes).all()
    assert call(monkeypatch, "prepare", sets["a folder of stems"], *rest, "--seed", 2) == 2


def test_silence_is_left_out_and_said(monkeypatch, capsys, codec_weights, tmp_path):
    folder, out = tmp_path / "set", tmp_path / "shards"
    for song in ("a", "b", "c"):
        for name in ("bass", "drums", "keys"):
            level = 1e-4 if (name == "keys" or song == "b") else 0.1
            write_audio(folder / song / f"{name}.wav", level=level)
    options = ("--out", out, "--codec", codec_weights, "--workers", 2)
    for _ in range(2):  # and a second run says the same
        assert call(monkeypatch, "prepare", folder, *options) == 0
        assert "left out, 1, minutes in which fewer than two stems sound" in capsys.readouterr().out
    (song,) = read_shards(shards(out, "train"))
    assert song.name == "a-00" and len(song.instruments) == 2
    assert "fewer than two stems sound: b-00" in (out / "CARD.md").read_text()


def test_what_cannot_be_used_is_one_line(monkeypatch, capsys, tmp_path, codec_weights, prepared):
    write_audio(tmp_path / "short" / "a" / "bass.wav", seconds=2.0)
    write_audio(tmp_path / "short" / "a" / "drums.wav", seconds=2.0)
    other = tmp_path / "other"
    other.mkdir()
    arguments = ("--codec", codec_weights, "--out", tmp_path / "out", "--size", "tiny")
    for words, said in (
        (("prepare", tmp_path / "short"), "nothing in"),
        (("prepare", tmp_path / "nowhere"), "is no folder"),
        (("stemgen", "--shards", other, *arguments), "has no train songs of codec"),
        (("stemgen", *arguments, "--size", "huge"), "size is 'huge'; valid: own, paper, tiny"),
    ):
        assert call(monkeypatch, *words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ") and said in line, line


def test_many_stems_have_mixes_too():
    mixes = draw_mixes(40, MIXES, random.Random(1))
    assert len(set(mixes)) == MIXES
    assert all(0 < len(mix) < 40 for mix in mixes)
    assert sum(len(mix) == 39 for mix in mixes) >= MIXES // 2
    assert mixes == draw_mixes(40, MIXES, random.Random(1))
    assert np.array(mixes[0]).max() < 40
