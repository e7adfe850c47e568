"""What is typed and what is printed: results on standard output, one line for every error."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from companion.cli import app as cli
from companion.control.preset import bundled_presets, load_preset
from companion.device.devices import Device
from companion.device.supervisor import Supervisor
from companion.players.metrics import PlayerMetrics
from companion.session.resume import Resumed
from companion.session.status import PlayerStatus, Status
from companion.session.trouble import Trouble
from companion.system.ending import KINDS
from companion.system.errors import NoDevice
from companion.take.events import EVENTS_FILE
from companion.take.wave_file import WaveWriter
from model.instruments import INSTRUMENTS
from tests.companion.device.fake import FakeWorld
from tests.companion.lines import read_lines
from tests.companion.studio import RATE, music, no_device, standin

SOLO = """
bpm: 120
cycle: 2
count_in_bars: 0
players:
  - {name: bass, instrument: bass}
generator: {name: standin}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `companion ARGUMENTS` in a folder with a song and a preset: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("song.wav", music(6), RATE, subtype="PCM_24")
    Path("solo.yaml").write_text(SOLO)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["companion", *arguments])
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def one_line(result: tuple[int, str, str]) -> str:
    """The error of a run that could not be: exit code 2, and one line on standard error."""
    code, _, error = result
    assert code == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


# --- render ------------------------------------------------------------------------------------

RENDER = ("render", "song.wav", "--instrument", "solo.yaml")


def test_render_names_what_it_wrote(run: Run) -> None:
    code, out, error = run(*RENDER, "--bpm", "120", "-o", "stem.wav", "--mix", "mix.wav")
    assert (code, error) == (0, "")
    assert out.splitlines() == ["bass: 4 plans", "stem: stem.wav", "mix: mix.wav"]
    stem, rate = soundfile.read("stem.wav")
    assert (len(stem), rate) == (6 * 2 * RATE, RATE)
    assert stem.any()
    assert Path("mix.wav").is_file()


def test_render_says_when_there_was_only_time_to_listen(run: Run) -> None:
    code, out, _ = run(*RENDER, "--bpm", "120", "-o", "stem.wav", "--cycle", "16")
    assert code == 0
    assert out.splitlines()[0] == "bass: 0 plans; the first 16 bars are only listened to"
    assert not soundfile.read("stem.wav")[0].any()


def test_render_takes_a_cycle_and_a_seed(run: Run) -> None:
    stems = []
    for options in ((), ("--seed", "1"), ("--cycle", "3")):
        assert run(*RENDER, "--bpm", "120", "-o", "stem.wav", *options)[0] == 0
        stems.append(Path("stem.wav").read_bytes())
    assert len(set(stems)) == 3


@pytest.mark.parametrize("bpm", ["39.9", "241", "-120", "nan", "inf"])
@pytest.mark.parametrize("command", ["render", "jam"])
def test_a_tempo_outside_40_to_240_is_named(run: Run, command: str, bpm: str) -> None:
    arguments = (*RENDER, "-o", "stem.wav") if command == "render" else ("jam", "solo.yaml")
    error = one_line(run(*arguments, "--bpm", bpm))
    assert bpm in error
    assert "40 to 240" in error


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("jam", "--bpm", "89,97"), "tempo is '89,97'; valid: 40 to 240, with a point: 89.97"),
        ((*RENDER, "-o", "s.wav", "--bpm", "fast"), "tempo is 'fast'; valid: 40 to 240"),
        (
            (*RENDER, "-o", "s.wav", "--bpm", "95", "--start", "1,5"),
            "start is '1,5'; valid: seconds from the recording's start, with a point: 1.5",
        ),
        (("soak", "--hours", "0,5"), "hours is '0,5'; valid: above 0, with a point: 0.5"),
        (("soak", "--hours", "inf"), "hours is inf; valid: above 0"),
        (("soak", "--hours", "nan"), "hours is nan; valid: above 0"),
    ],
)
def test_a_number_that_is_none_is_named_with_what_would_do(
    run: Run, arguments: tuple[str, ...], named: str
) -> None:
    assert named in one_line(run(*arguments))


@pytest.mark.parametrize(
    ("typed", "meant"), [("bas", "bass"), ("drum", "drums"), ("synth", "synth pad")]
)
def test_an_unknown_instrument_is_named_with_the_nearest(run: Run, typed: str, meant: str) -> None:
    arguments = ("render", "song.wav", "--bpm", "120", "-o", "stem.wav", "--instrument", typed)
    error = one_line(run(*arguments))
    assert f"no instrument {typed!r}" in error
    assert f"nearest: {meant}" in error
    assert "keys" in error
    assert "strings" in error


def test_every_preset_of_one_player_and_every_instrument_can_be_rendered() -> None:
    for name in ("bass", "drums", "keys"):
        assert cli.player_of(name) == load_preset(name)
    for name in INSTRUMENTS:
        (player,) = cli.player_of(name).players
        assert player.knobs["instrument"] == name


@pytest.mark.parametrize(
    ("recording", "why"),
    [
        ("nowhere.wav", "is missing"),
        ("solo.yaml", "no audio"),
        ("empty.wav", "is empty"),
        ("silent.wav", "is silent"),
        ("short.wav", "shorter than a bar"),
        ("nan.wav", "NaN"),
        ("numbers.wav", "samples of up to 3.28e+04"),
        ("folder", "is a folder"),
    ],
)
def test_a_recording_that_cannot_be_used_is_one_line(run: Run, recording: str, why: str) -> None:
    Path("folder").mkdir()
    soundfile.write("numbers.wav", np.full(8 * RATE, 32768.0), RATE, subtype="FLOAT")
    soundfile.write("empty.wav", np.zeros(0), RATE)
    soundfile.write("silent.wav", np.zeros(8 * RATE), RATE)
    soundfile.write("short.wav", music(0.5), RATE)
    soundfile.write("nan.wav", np.full(8 * RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    arguments = ("--instrument", "solo.yaml", "--bpm", "120", "-o", "stem.wav")
    error = one_line(run("render", recording, *arguments))
    assert recording in error
    assert why in error
    assert not Path("stem.wav").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("-o", "stem.ogg"), "stem.ogg"),
        (("-o", "nowhere/stem.wav"), "nowhere"),
        (("-o", "song.wav"), "song.wav"),
        (("-o", "stem.wav", "--mix", "stem.wav"), "stem.wav"),
        (("-o", "stem.wav", "--cycle", "17"), "cycle is 17"),
        (("-o", "stem.wav", "--device", "tpu"), "device is 'tpu'"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(
    run: Run, options: tuple[str, ...], named: str
) -> None:
    error = one_line(run(*RENDER, "--bpm", "120", *options))
    assert named in error
    assert "valid: " in error


@pytest.mark.parametrize("command", ["render", "jam"])
def test_wrong_weights_are_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    Path("weights").mkdir()
    Path("weights/codec.safetensors").write_text("not tensors")
    arguments = ("render", "song.wav", "--bpm", "120", "-o", "stem.wav")
    if command == "jam":
        monkeypatch.setattr("companion.session.jam.open_device", no_device)
        Path("model.yaml").write_text(SOLO.replace("{name: standin}", "{}"))
        arguments = ("jam", "model.yaml")
    error = one_line(run(*arguments, "--weights", "weights"))
    assert "weights/codec.safetensors is not safetensors" in error
    assert not list(Path().glob("takes/*"))


# --- jam ---------------------------------------------------------------------------------------


def test_jam_ends_by_naming_the_take_and_its_picture(run: Run, no_sound_card: None) -> None:
    code, out, error = run("jam", "solo.yaml", "--bars", "5")
    assert (code, error) == (0, "")
    lines = out.splitlines()
    assert "no sound device" in lines[0]
    take, picture = (line.partition(": ")[2] for line in lines[-2:])
    assert lines[-2:] == [f"take: {take}", f"picture: {picture}"]
    assert Path(take).parent == Path("takes")
    assert Path(picture) == Path(take) / "take.png"
    assert Path(picture).is_file()
    assert "  bass.isr 1" in lines
    assert read_lines(Path(take) / EVENTS_FILE)[-1]["bar"] == 5


def test_jam_options_win_over_the_preset(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def jam(preset: Any, **options: Any) -> Any:
        asked.update(options, preset=preset)
        raise NoDevice("enough")

    monkeypatch.setattr(cli, "jam", jam)
    options = ["--input", "usb", "--output", "3", "--bpm", "97.3", "--bars", "7"]
    more = ["--takes", "here", "--device", "cpu", "--seed", "9", "--weights", "there"]
    one_line(run("jam", "band", *options, *more))
    preset = asked["preset"]
    assert (preset.audio.input, preset.audio.output) == ("usb", "3")
    assert (preset.bpm * 10, preset.bars, preset.generator.device) == (973, 7, "cpu")
    assert (asked["takes"], asked["seed"], asked["weights"]) == (Path("here"), 9, Path("there"))
    one_line(run("jam", "keys"))
    assert asked["preset"] == load_preset("keys")


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_ends_the_take_and_not_the_programme(
    run: Run, no_sound_card: None, monkeypatch: pytest.MonkeyPatch, kind: signal.Signals
) -> None:
    shown = cli.status_line

    def status_line(status: Status) -> Any:
        if status.bar == 3:
            signal.raise_signal(kind)
        return shown(status)

    monkeypatch.setattr(cli, "status_line", status_line)
    before = signal.getsignal(kind)
    code, out, error = run("jam", "solo.yaml")
    assert (code, error) == (0, "")
    assert signal.getsignal(kind) is before
    take = Path(out.partition("take: ")[2].splitlines()[0])
    end = read_lines(take / EVENTS_FILE)[-1]
    assert (end["reason"], end["bar"]) == ("stopped", 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_jam_that_is_ended_while_it_loads_leaves_nothing(
    run: Run, no_sound_card: None, monkeypatch: pytest.MonkeyPatch, kind: signal.Signals
) -> None:
    worker = standin()

    def wait_ready(*_: Any) -> Any:
        assert not Path("takes").exists()  # also where nobody could clean up
        signal.raise_signal(kind)

    monkeypatch.setattr(worker, "wait_ready", wait_ready)
    monkeypatch.setattr("companion.session.jam.open_worker", lambda *_: worker)
    code, out, error = run("jam", "solo.yaml")
    assert (code, error) == (128 + kind, "")
    assert "take:" not in out
    assert not Path("takes").exists()


def test_a_folder_for_takes_that_cannot_be_made_is_known_before_loading(
    run: Run, no_sound_card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.session.jam.open_worker", lambda *_: pytest.fail("it loads"))
    Path("file").write_text("")
    error = one_line(run("jam", "solo.yaml", "--takes", "file/takes"))
    assert "cannot write 'file/takes'" in error


def test_a_home_folder_is_found_where_no_shell_has_put_it(
    run: Run, no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    code, out, _ = run("jam", "solo.yaml", "--bars", "2", "--takes=~/gig")
    assert code == 0
    assert f"take: {tmp_path}/home/gig/" in out
    assert not Path("~").exists()
    assert "'~nobody-at-all/gig'" in one_line(run("jam", "solo.yaml", "--takes=~nobody-at-all/gig"))


def test_names_of_any_bytes_can_be_used(run: Run, no_sound_card: None) -> None:
    odd = os.fsdecode(b"od\xe9\x1b[2J")
    Path(f"{odd}.yaml").write_text(SOLO)
    Path(f"{odd}.wav").write_bytes(Path("song.wav").read_bytes())
    code, out, error = run("jam", f"{odd}.yaml", "--bars", "2", "--takes", odd)
    assert (code, error) == (0, "")
    (take,) = Path(odd).iterdir()
    assert (take / "take.png").is_file()
    assert rf"take: od\xe9\x1b[2J{os.sep}{take.name}" in out.splitlines()
    options = ("--instrument", f"{odd}.yaml", "--bpm", "120", "-o", f"{odd}-stem.wav")
    code, out, error = run("render", f"{odd}.wav", *options, "--mix", f"{odd}-mix.wav")
    assert (code, error) == (0, "")
    assert r"stem: od\xe9\x1b[2J-stem.wav" in out.splitlines()
    assert Path(f"{odd}-mix.wav").is_file()
    code, out, error = run("export", str(take), "-o", f"{odd}-set")
    assert (code, error) == (0, "")
    assert run("recover", str(take))[0] == 0
    assert odd not in one_line(run("render", odd, *options))


def test_a_preset_and_a_take_to_go_on_from_are_one_too_many(run: Run) -> None:
    error = one_line(run("jam", "drums", "--resume", "takes/one"))
    assert "'drums'" in error
    assert "'takes/one'" in error


def test_a_seed_of_its_own_is_taken_when_a_set_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bass = load_preset("bass")
    resumed = Resumed(bass, bass, bass.name, 0, 77, "one", 3, ())
    monkeypatch.setattr(cli, "go_on_from", lambda _: resumed)
    seeds = []

    def jam(_: Any, seed: int, **options: Any) -> Any:
        seeds.append(seed)
        raise NoDevice("enough")

    monkeypatch.setattr(cli, "jam", jam)
    one_line(run("jam", "--resume", "one"))
    one_line(run("jam", "--resume", "one", "--seed", "5"))
    assert seeds == [77, 5]


def test_what_went_wrong_in_a_jam_is_told_after_its_take(
    run: Run, no_sound_card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough: this runs as fast as it can, and the disk has a thread of its own.
    Path("broken.yaml").write_text(SOLO + "bars: 24\n")

    def write(self: Any, data: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WaveWriter, "append", write)
    result = run("jam", "broken.yaml")
    assert "No space left on device" in one_line(result)
    assert "take: takes/" in result[1]
    told = [line for line in result[1].splitlines() if "recording has stopped" in line]
    assert len(told) == 2  # once when it happened, once summed up
    assert told[1].endswith(f"{told[0]}, to the end")
    assert "1 thing went wrong:" in result[1]


@pytest.mark.parametrize(
    ("preset", "named"),
    [
        ("bas", "nearest: bass"),
        ("nowhere.yaml", "nowhere.yaml"),
        ("song.wav", "song.wav"),
        ("typo.yaml", "nearest: players"),
        ("rate.yaml", "rate"),
        ("port.yaml", "no such controller"),
    ],
)
def test_a_preset_that_cannot_be_played_is_one_line(
    run: Run, no_sound_card: None, preset: str, named: str
) -> None:
    Path("typo.yaml").write_text(SOLO + "player: []\n")
    Path("rate.yaml").write_text(SOLO + "audio: {rate: 44.1}\n")
    Path("port.yaml").write_text(SOLO + "midi: {port: no such controller}\n")
    assert named in one_line(run("jam", preset))
    assert not Path("takes").exists()


def test_an_osc_port_in_use_is_one_line(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        Path("osc.yaml").write_text(SOLO + f"osc: {{port: {port}}}\n")
        assert f"127.0.0.1:{port}" in one_line(run("jam", "osc.yaml"))


def test_a_device_that_is_not_there_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    usb = Device(0, "USB Audio", "ALSA", 2, 2, 48_000.0, True, True, 0)
    world = FakeWorld((usb,))
    monkeypatch.setattr(
        "companion.session.rig.Supervisor", partial(Supervisor, open_link=world.open_link)
    )
    for option in ("--input", "--output"):
        error = one_line(run("jam", "solo.yaml", option, "Focusrite"))
        assert "'Focusrite'" in error
        assert "USB Audio" in error
    assert not list(Path().glob("takes/*"))


# --- devices and usage -------------------------------------------------------------------------


def test_devices_are_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    usb = Device(0, "USB [hw:0] :smile:", "ALSA", 2, 1, 44_100.0, True, True, 0)
    monkeypatch.setattr(cli, "list_devices", lambda: (usb,))
    monkeypatch.setattr(cli, "list_midi_ports", lambda: ("nanoKONTROL",))
    code, out, _ = run("devices")
    assert code == 0
    assert out.splitlines() == [
        "sound  0 'USB [hw:0] :smile:' (ALSA, 2 in, 1 out), 44100 Hz",
        "midi   nanoKONTROL",
    ]


def test_a_machine_without_devices_is_told_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise NoDevice("sound is not available (no PortAudio)")

    monkeypatch.setattr(cli, "list_midi_ports", lambda: ())
    for devices, sound in ((none, "sound is not available (no PortAudio)"), (tuple, "no device")):
        monkeypatch.setattr(cli, "list_devices", devices)
        assert run("devices")[:2] == (0, f"sound  {sound}\nmidi   no input\n")


@pytest.mark.parametrize(
    "arguments", [("render",), ("jam", "--bars", "0"), ("play",), ("jam", "-x")]
)
def test_a_wrong_usage_is_told_without_a_traceback(run: Run, arguments: tuple[str, ...]) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert "Usage: companion" in error
    assert "Traceback" not in error
    assert "╭" not in error


@pytest.mark.parametrize("command", ["jam", "render", "devices"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Usage: companion {command}" in out


def test_the_programme_itself_ends_with_2_and_one_line() -> None:
    command = [sys.executable, "-m", "companion.cli.app", "render", "nowhere.wav"]
    done = subprocess.run(
        [*command, "--bpm", "120", "-o", "stem.wav"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: recording nowhere.wav is missing; valid: an audio file\n"


def printing_to(redirected: str, *arguments: str, **environment: str) -> tuple[int, bytes, bytes]:
    """Run `companion ARGUMENTS` with its output redirected by a shell."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m companion "$@" {redirected}', sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_output_that_is_full_is_told_and_output_that_nobody_reads_is_not() -> None:
    code, _, error = printing_to(">/dev/full", "--help")
    assert code == 2
    assert error.startswith(b"error: cannot write standard output (No space left on device)")
    for nobody in (">&-", "2>&-", ">&- 2>&-", "2>/dev/full"):
        code, _, error = printing_to(nobody, "--help")
        assert (code, error) == (0, b"")
    assert printing_to("2>/dev/full", "render")[0] == 2


def test_a_jam_plays_on_when_nobody_reads_what_it_says_any_more(tmp_path: Path) -> None:
    (tmp_path / "solo.yaml").write_text(SOLO + "bars: 1\n")
    script = f'cd "{tmp_path}"; "{sys.executable}" -m companion jam solo.yaml | head -n 2; exit'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PYTHONIOENCODING": "cp1252",
            "JACK_DEFAULT_SERVER": "none-such",
        },
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b" -> " in done.stdout.splitlines()[1]
    (take,) = (tmp_path / "takes").iterdir()
    assert read_lines(take / EVENTS_FILE)[-1]["reason"] == "last bar"
    assert (take / "take.png").is_file()


# --- the status line ---------------------------------------------------------------------------


def test_the_status_line_shows_bar_levels_slack_and_fallback() -> None:
    bass = PlayerStatus("bass", "older plan", 1.24, 0.975, 0.5)
    drums = PlayerStatus("drums", None, None, None, 0.0)
    line = cli.status_line(Status(4, 32, (bass, drums), 0.1, 1.0, 0, (), 8)).plain
    assert line == (
        "bar 5/32 | cycle 8 | in -20 dB | out 0 dB | bass: older plan slack 1.2 s 98% -6 dB | "
        "drums: listening -inf dB"
    )


def test_the_status_line_shows_steps_staleness_and_a_broken_cycle() -> None:
    hurried = PlayerMetrics("plan", 0.1, 2, 1.0, 9, "finished at once")
    bass = PlayerStatus("bass", "plan", 0.1, 1.0, 0.5, hurried)
    line = cli.status_line(Status(4, None, (bass,), 0.1, 1.0, 0, (), 4, False)).plain
    assert "| cycle 4 broken |" in line
    assert "bass: plan 9 steps 2 old (finished at once) slack 0.1 s 100% -6 dB" in line


def test_the_status_line_shows_the_bar_of_a_masters_song() -> None:
    line = cli.status_line(Status(4, 8, (), 0.1, 1.0, 0, (), 4, song_bar=32)).plain
    assert line.startswith("bar 5/8, song 33 | ")


def test_the_status_line_shows_the_count_in_and_lost_blocks_and_leaves_trouble_its_own_place() -> (
    None
):
    trouble = Trouble("generator", "bass: out of memory", 0.0, 0.0, False)
    status = Status(-1, None, (), 0.0, 0.0, 3, (trouble,), 4)
    assert status.trouble == "bass: out of memory"
    line = cli.status_line(status).plain
    assert line == "count-in | cycle 4 | in -inf dB | out -inf dB | xruns 3"


def test_help_names_the_presets(run: Run) -> None:
    assert ", ".join(bundled_presets()) in " ".join(run("jam", "--help")[1].split())


def test_recover_says_what_it_did(run: Run, no_sound_card: None) -> None:
    code, out, error = run("jam", "solo.yaml", "--bars", "3")
    assert (code, error) == (0, "")
    (folder,) = Path("takes").iterdir()
    assert run("recover", str(folder))[1].splitlines()[0].endswith("s, was whole")
    log = folder / EVENTS_FILE
    log.write_bytes(log.read_bytes().rpartition(b'{"type": "end"')[0] + b'{"type": "ba')
    code, out, error = run("recover", str(folder))
    assert (code, error) == (0, "")
    assert "1 broken line dropped" in out
    assert "the log got an end" in out
    assert read_lines(log)[-1]["type"] == "end"
    assert "no events.jsonl" in one_line(run("recover", "nowhere"))


def test_export_names_what_it_wrote(run: Run, no_sound_card: None) -> None:
    run("jam", "solo.yaml", "--bars", "3")
    (folder,) = Path("takes").iterdir()
    code, out, error = run("export", str(folder), "-o", "set")
    assert (code, error) == (0, "")
    names = ["input-stereo.wav", "bass.wav", "tempo.mid", f"{folder.name}.dawproject"]
    assert out.splitlines() == [str(Path("set") / name) for name in names]
    assert "is there already" in one_line(run("export", str(folder), "-o", "set"))
    for command in ("export", "replay"):  # into the take itself
        assert "is there already" in one_line(run(command, str(folder), "-o", str(folder)))


def test_a_replay_into_a_folder_writes_all_stems_or_none(
    run: Run, no_sound_card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("jam", "solo.yaml", "--bars", "5")
    (folder,) = Path("takes").iterdir()
    assert run("replay", str(folder), "-o", "again")[0] == 0
    assert [path.name for path in Path("again").iterdir()] == ["bass.wav"]
    (folder / "bass.wav").write_bytes(b"")
    one_line(run("replay", str(folder), "-o", "none"))
    assert not Path("none").exists()
