"""The README's commands are a test: each is run, or checked as far as it can be without a stage."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from typer.testing import CliRunner

from companion.control.controller import CONTROLLER_KEYS, bundled_controllers
from companion.control.midi_mapping import MAPPING_KEYS, MODES
from companion.control.midi_scale import BENDS
from companion.control.osc import OscKnobs
from companion.control.preset import default_mappings, load_preset, parse_preset
from companion.control.relative import ENCODINGS
from companion.control.store import ParameterStore
from companion.control.takeover import TAKEOVERS
from companion.listening.contexts import read_contexts
from companion.players.metrics import FALLBACKS, BarMetrics, PlayerMetrics
from companion.session.osc_feed import bar_messages
from tests.companion.control.reference import reference
from training.__main__ import make_app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SONG = ROOT / "tests" / "data" / "real" / "rock-095.ogg"
FOR_TAKES = ("recover", "export", "replay")
FOR_MACHINES = ("bench", "doctor", "new")
SONG_S = 12.7  # five bars and a bit: four to listen to, one to play


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(*beginning: str) -> list[list[str]]:
    """The commands, split into words, that begin with these."""
    lines = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    return [words for words in lines if words[: len(beginning)] == list(beginning)]


def written() -> set[str]:
    """Presets that a command before makes."""
    return {words[2] for words in commands("companion", "new")}


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody would who has installed the companion."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        words,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_every_command_is_looked_at_by_a_test() -> None:
    known = (
        *(
            ("companion", name)
            for name in ("jam", "render", "devices", "calibrate", "layouts", "midi", *FOR_TAKES)
        ),
        ("companion", "listen-test"),
        *(("companion", name) for name in FOR_MACHINES),
        *(("make",), ("pip", "install"), ("sudo", "apt-get", "install")),
        *(("oscsend",), ("python", "-m", "training")),
    )
    looked_at = [words for beginning in known for words in commands(*beginning)]
    assert sorted(looked_at) == sorted(commands())
    assert all(commands(*beginning) for beginning in known)


def test_render_plays_along_a_recording_with_the_bundled_weights(tmp_path: Path) -> None:
    recording, rate = soundfile.read(SONG, stop=round(SONG_S * soundfile.info(SONG).samplerate))
    soundfile.write(tmp_path / "song.wav", recording, rate)
    (words,) = commands("companion", "render")
    done = run(words, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = {option: words[words.index(option) + 1] for option in ("-o", "--mix")}
    assert {path.name for path in tmp_path.iterdir()} == {"song.wav", *written.values()}
    stem, stem_rate = soundfile.read(tmp_path / written["-o"])
    assert (len(stem), stem_rate) == (len(recording), rate)
    bar = round(240 / 95 * rate)
    assert not stem[: 4 * bar - rate // 10].any()
    assert np.sqrt(np.mean(stem[4 * bar :] ** 2)) > 1e-3


def test_devices_are_listed(tmp_path: Path) -> None:
    (words,) = commands("companion", "devices")
    done = run(words, tmp_path)
    assert done.returncode == 0
    assert "sound" in done.stdout
    assert "midi" in done.stdout


def test_control_surfaces_are_written(tmp_path: Path) -> None:
    (words,) = commands("companion", "layouts")
    done = run(words, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = {tmp_path / line for line in done.stdout.splitlines()}
    assert written == set((tmp_path / words[2]).iterdir())
    assert tmp_path / words[2] / "how-to.md" in written


@pytest.mark.parametrize("words", commands("companion", "jam"), ids=" ".join)
def test_a_jam_has_the_options_and_the_preset_that_are_shown(
    words: list[str], tmp_path: Path
) -> None:
    done = run([*words, "--help"], tmp_path)  # an option that is not there would be an error first
    assert done.returncode == 0
    if len(words) > 2 and not words[2].startswith("-") and words[2] not in written():
        load_preset(words[2])


@pytest.mark.parametrize(
    "words",
    [w for name in (*FOR_TAKES, *FOR_MACHINES, "midi") for w in commands("companion", name)],
    ids=" ".join,
)
def test_commands_for_takes_and_machines_have_the_options_that_are_shown(
    words: list[str], tmp_path: Path
) -> None:
    assert run([*words, "--help"], tmp_path).returncode == 0


@pytest.mark.parametrize("words", commands("make"), ids=" ".join)
def test_make_has_the_targets_that_are_shown(words: list[str]) -> None:
    assert run([words[0], "-n", *words[1:]], ROOT).returncode == 0


@pytest.mark.parametrize("words", commands("python", "-m", "training"), ids=" ".join)
def test_training_has_the_commands_and_options_that_are_shown(words: list[str]) -> None:
    done = CliRunner().invoke(make_app(), [*words[3:], "--help"])
    assert done.exit_code == 0
    assert words[3] in done.output


@pytest.mark.parametrize("words", commands("companion", "listen-test"), ids=" ".join)
def test_the_listening_test_has_the_commands_that_are_shown(
    words: list[str], tmp_path: Path
) -> None:
    done = run([*words, "--help"], tmp_path)
    assert done.returncode == 0
    assert f"listen-test {words[2]}" in done.stdout


def test_the_folder_of_contexts_that_is_shown_is_one(tmp_path: Path) -> None:
    (shown,) = (block for block in blocks("text") if block.startswith("contexts.yaml"))
    listed, _, files = shown.partition("rock.wav")
    (tmp_path / "contexts.yaml").write_text(listed.replace("contexts.yaml", " " * 13))
    for name in ("rock.wav", *files.split()):
        (tmp_path / name).touch()
    ballad, rock = read_contexts(tmp_path)
    assert (ballad.file.name, ballad.cycle, ballad.human) == ("ballad.flac", 8, None)
    assert rock.human == tmp_path / "rock.stem.wav"


def test_what_is_installed_is_what_ci_proves() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for words in commands("pip", "install"):
        for word in words[2:]:
            if "==" in word:
                assert word in pins
            for extra in re.findall(r"\[(\w+)\]", word):
                assert extra in project["optional-dependencies"]
            if word.endswith(".txt"):
                assert (ROOT / word).is_file()
    makefile = (ROOT / "Makefile").read_text()
    for words in commands("sudo", "apt-get", "install"):
        assert all(package in makefile for package in words[3:] if not package.startswith("-"))


@pytest.mark.parametrize("words", commands("oscsend"), ids=" ".join)
def test_an_osc_message_that_is_shown_turns_a_knob(words: list[str]) -> None:
    preset = load_preset("bass")
    assert preset.osc is not None
    assert words[1:3] == ["localhost", str(preset.osc.port)]
    address, kinds, values = words[3], "".join(words[4:5]), words[5:]
    convert = {"f": float, "i": int, "s": str}
    store: ParameterStore = preset.store()
    knobs = OscKnobs(store)
    knobs.receive(address, *(convert[k](v) for k, v in zip(kinds, values, strict=True)))
    assert (knobs.accepted, knobs.last_error) == (1, "")
    (change,) = store.drain()
    assert change.name == address.removesuffix("/normalised").rpartition("/")[2]


def test_the_osc_addresses_that_are_shown_are_sent() -> None:
    shown = re.findall(r"`/companion/([\w/]+)`", README.partition("| address |")[2])
    named = {address.rpartition("NAME")[0] or address for address in shown}
    for place in ("beat", "bar", "metrics/", "PLAYER/metrics/", "meter/in", "meter/out"):
        assert place in named
    player = PlayerMetrics("plan", 1.0, 0, 1.0, 22, "none")
    sent = bar_messages(BarMetrics(player, {"PLAYER": player}))
    for address, _ in sent:
        assert f"`{address.rpartition('/')[2]}`" in README
    words = ["none", "fewer steps", "finished at once", "an older plan", "bars repeated", "silence"]
    assert ", ".join(f"{n} {word}" for n, word in enumerate(words)) in " ".join(README.split())
    assert len(words) == len(FALLBACKS)


def test_the_table_of_knobs_is_the_rigs_own() -> None:
    assert reference() in README


def test_midi_controllers_are_as_described() -> None:
    mappings = default_mappings(["first", "second"])
    assert {m.channel for m in mappings if m.player == "first"} == {1}
    assert {m.channel for m in mappings if m.player == "second"} == {2}
    assert {m.parameter for m in mappings if m.channel is None} == {
        "clock",
        "tap",
        "cycle",
        "find_cycle",
        "lock",
        "monitor",
    }


def test_every_key_of_a_mapping_and_every_controller_file_is_described() -> None:
    section = README.partition("### MIDI\n")[2].partition("### OSC\n")[0]
    for key in (*MAPPING_KEYS, *CONTROLLER_KEYS):
        assert re.search(rf"`{key}\b", section), key
    for name in (*bundled_controllers(), *ENCODINGS, *TAKEOVERS, *MODES, *BENDS):
        assert f"`{name}`" in section, name


def test_the_preset_that_is_shown_is_valid() -> None:
    (text,) = blocks("yaml")
    preset = parse_preset(text, "shown.yaml")
    assert [player.name for player in preset.players] == ["left-hand", "strings"]
    assert set(yaml.safe_load(text)) >= {"midi", "osc", "audio", "generator"}


def test_presets_that_are_named_are_included() -> None:
    for name in ("bass", "drums", "keys", "band"):
        assert f"`{name}`" in README
        load_preset(name)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        assert link.startswith(("https://", "#")) or (ROOT / link).is_file(), link
