"""A study is made of a folder: all that listeners could tell sounds by is the music."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from companion.control.preset import GeneratorPreset
from companion.listening.conditions import BEST, CONDITIONS, NAIVE, NO_GUIDANCE
from companion.listening.contexts import Context
from companion.listening.loudness import BEEP_PEAK, TARGET_LUFS, loudness
from companion.listening.make import make
from companion.listening.stems import Stems, preset_of
from companion.listening.study import Study, read_key, read_study
from companion.system.errors import CompanionError
from tests.companion.listening.contexts import RATE, SECONDS, contexts, tune

STANDIN = GeneratorPreset("standin")


def made(folder: Path, out: Path, said: list[str] | None = None) -> Study:
    say = (lambda line: None) if said is None else said.append
    return make(folder, out, STANDIN, say=say, seconds=SECONDS)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return contexts(tmp_path_factory.mktemp("given") / "contexts")


@pytest.fixture(scope="module")
def study(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "study"
    made(given, out)
    return out


def heard(study: Path, name: str) -> np.ndarray:
    return soundfile.read(study / "audio" / name, dtype="float32")[0]


def of(study: Path, context: str, condition: str) -> np.ndarray:
    """The sound of a condition, by the key."""
    key = read_key(study)
    row, column = key.contexts.index(context), key.arms.index(condition)
    return heard(study, read_study(study).sounds[row][column])


def test_every_context_is_heard_with_every_condition(study: Path) -> None:
    told, key = read_study(study), read_key(study)
    assert sorted(key.contexts) == ["a", "b", "c"]
    names = [condition.name for condition in CONDITIONS if condition.name != "MusicGen"]
    assert sorted(key.arms) == sorted(names)
    assert (told.contexts, told.arms) == (3, 5)
    assert {path.name for path in (study / "audio").iterdir()} == told.names
    assert len(told.names) == 3 * 5 + 6


def test_all_sounds_are_equally_loud_long_and_shaped(study: Path) -> None:
    told = read_study(study)
    for name in (name for row in told.sounds for name in row):
        info = soundfile.info(study / "audio" / name)
        assert (info.samplerate, info.channels, info.subtype) == (RATE, 2, "PCM_16")
        assert info.frames == round(SECONDS * RATE)
        sound = heard(study, name)
        assert loudness(sound) == pytest.approx(TARGET_LUFS, abs=0.1)
        assert np.abs(sound).max() < 0.99
        assert not sound[:2].round(3).any()
        assert not sound[-2:].round(3).any()


def test_nothing_but_the_key_tells_which_is_which(study: Path) -> None:
    told = (study / "study.json").read_text()
    for word in ("human", "best", "naive", "another", "guidance", "bass"):
        assert word not in told
    files = [(study / "audio" / name).stat() for name in read_study(study).names]
    assert {file.st_mtime for file in files} == {0.0}
    for row in read_study(study).sounds:  # a sound's place tells nothing either
        assert all(len(name) == 16 + len(".flac") for name in row)


def test_a_mix_is_the_context_and_the_stem_as_loud_as_the_person_played_it(study: Path) -> None:
    first, last = RATE, RATE + round(SECONDS * RATE)
    stereo = np.stack([tune(0), tune(9)], 1) + 0.5 * tune(20)[:, None]
    whole, found = stereo[first:last], of(study, "a", "human")
    middle = slice(RATE // 10, len(found) // 2)
    ratio = found[middle] / whole[middle]
    assert np.median(ratio) == pytest.approx(np.percentile(ratio, 90), rel=0.05)


def test_the_conditions_are_different_stems(study: Path) -> None:
    sounds = {name: of(study, "b", name) for name in ("human", "best", "another song")}
    alone = [np.round(sound, 3).tobytes() for sound in sounds.values()]
    assert len(set(alone)) == len(alone)


def test_another_song_is_a_stem_that_a_person_played_there(study: Path) -> None:
    """Its own is not in it: what is heard beside the context is the next one's stem."""
    unfaded = slice(RATE // 10, RATE // 2)
    mix = of(study, "a", "another song")[unfaded]
    parts = [np.stack([tune(0), tune(9)], 1), np.stack([tune(21)] * 2, 1)]
    heard = np.stack([part[RATE:][unfaded].ravel() for part in parts], 1)
    gains, (left,), *_ = np.linalg.lstsq(heard, mix.ravel(), rcond=None)
    assert gains.min() > 0.1
    assert np.sqrt(left) < 0.01 * np.linalg.norm(mix)


def test_checks_have_as_many_beeps_as_they_say(study: Path) -> None:
    told = read_study(study)
    for count, name in enumerate(told.beeps, 1):
        sound = heard(study, name).mean(1)
        # 0.06 s at a time, as loud at 1 kHz as a beep: 0.12 s with its rise and its fall.
        windows = np.lib.stride_tricks.sliding_window_view(sound, 2880)[::480] * np.hanning(2880)
        heard_beep = np.abs(np.fft.rfft(windows)[:, 60]) > 0.4 * BEEP_PEAK * 2880 / 4
        rises = np.flatnonzero(np.diff(heard_beep.astype(int)) == 1)
        assert np.count_nonzero(np.diff(rises, prepend=-100) > 10) == count


def test_knobs_tell_the_generated_conditions_apart() -> None:
    context = Context("a", Path("a.wav"), None, 120.0, "piano", cycle=2)
    best, plain, naive = (preset_of(context, each) for each in (BEST, NO_GUIDANCE, NAIVE))
    assert [preset.knobs["cycle"] for preset in (best, plain, naive)] == [2, 2, 2]
    assert best.players[0].knobs["guidance_audio"] == 3.0
    stores = [preset.store().snapshot("piano") for preset in (best, plain, naive)]
    differing = {name for name in stores[0] if len({store[name] for store in stores}) > 1}
    assert differing == {"guidance_audio", "guidance_clock", "causal_bias"}
    assert [store["causal_bias"] for store in stores] == [0.1, 0.1, 0.0]
    assert {store["instrument"] for store in stores} == {"piano"}


def test_a_study_that_was_cut_off_goes_on_where_it_stopped(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutOff(Exception):
        pass

    generated: list[str] = []
    generate = Stems._generate

    def counted(stems: Stems, excerpt: object, condition: object) -> np.ndarray:
        if len(generated) == 2:
            raise CutOff
        generated.append("one")
        return generate(stems, excerpt, condition)  # type: ignore[arg-type]

    monkeypatch.setattr(Stems, "_generate", counted)
    with pytest.raises(CutOff):
        made(given, tmp_path / "study")
    assert not (tmp_path / "study" / "study.json").exists()
    generated.clear()
    monkeypatch.setattr(
        Stems, "_generate", lambda *args: (generated.append("one"), generate(*args))[1]
    )
    whole = made(given, tmp_path / "study")
    assert len(generated) == 3 * 3 - 2
    generated.clear()
    assert made(given, tmp_path / "study") == whole
    assert not generated


def test_a_study_of_something_else_is_left_alone(given: Path, study: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(given, other)
    shutil.copy(other / "a.wav", other / "b.wav")
    before = (study / "study.json").read_bytes()
    with pytest.raises(CompanionError, match="other contexts or settings; valid: another folder"):
        made(other, study)
    assert (study / "study.json").read_bytes() == before


def test_without_human_stems_there_is_no_such_condition(tmp_path: Path) -> None:
    folder, said = contexts(tmp_path / "contexts", 2), list[str]()
    (folder / "a.stem.wav").unlink()
    made(folder, tmp_path / "study", said)
    assert "human" not in read_key(tmp_path / "study").arms
    assert said[0] == "no human stem for a: the condition is left out"


def test_a_recording_that_is_too_short_is_named_before_the_work(tmp_path: Path) -> None:
    folder = contexts(tmp_path / "contexts", 2)
    soundfile.write(folder / "b.wav", tune(1, 1.5), RATE)
    with pytest.raises(CompanionError, match=r"b\.wav has 1\.50 s .* valid: 2\.20 s"):
        made(folder, tmp_path / "study")
    assert not (tmp_path / "study" / "key").exists()


@pytest.mark.parametrize("change", [{"format": 2}, {"plain": "../key/key.json"}, {"more": 1}])
def test_a_manifest_that_is_not_whole_is_refused(study: Path, tmp_path: Path, change: dict) -> None:
    told = json.loads((study / "study.json").read_text())
    (tmp_path / "study.json").write_text(json.dumps({**told, **change}))
    with pytest.raises(CompanionError, match="not whole"):
        read_study(tmp_path)
