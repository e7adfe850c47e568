"""The whole rig: `companion jam` over JACK, along a real recording, steered from outside.

Another process hears the count-in, starts a real recording exactly one bar after its first click,
and records all that comes out. The server waits for everybody (synchronous mode), so no sample is
lost, but the dummy driver never runs faster than real time: the generator has the time it would
have on stage, or more where the machine stalls.

What is promised, is promised on a machine that runs: a jam during which it stood still, so that the
tempo was bent, is played again.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
import soxr
import yaml

from companion.audio.silence import is_silent
from tests.rig.feeder import Feeder, Recording
from tests.rig.jack import ROOT, JackServer
from tests.rig.jam_run import START_LIMIT_S, Jam, TakeRead
from tests.rig.stall_watch import StallWatch, why_again

RATE, PERIOD = 48_000, 256
BEATS = 4
CLICK = 0.2  # the count-in's first click begins with 0.5
NEAR = 1e-6  # a file holds 24 bits
ROUND_TRIP_LIMIT = 8192
TRIES = 3
"""A machine that stands still in each of so many jams is to be tested on all the same."""
RECORDINGS = ROOT / "tests" / "data" / "real"
STANDIN = {"generator": {"name": "standin"}}


def bar_samples(bpm: int) -> float:
    return 60 * RATE * BEATS / bpm


def real_recording(name: str, own_bpm: int, own_bars: int, bpm: int, bars: int) -> np.ndarray:
    """A real recording of whole bars, played as much faster as the tempo asks, and looped.

    Mono float32, at the server's rate, peak 0.5.
    """
    samples, rate = soundfile.read(RECORDINGS / name, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate * bpm / own_bpm, RATE, quality="HQ")
    assert abs(len(mono) - own_bars * bar_samples(bpm)) < 10
    whole = mono[: round(own_bars * bar_samples(bpm))] * (0.5 / np.abs(mono).max())
    return np.resize(whole, round(bars * bar_samples(bpm)))


def write_preset(folder: Path, name: str, **content: Any) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"count_in_bars": 1, **content}))
    return str(path)


@dataclass(frozen=True)
class Played:
    """A jam that has ended, its take, and what the world outside heard of it."""

    bpm: int
    jam: Jam
    code: int
    take: TakeRead
    signal: np.ndarray
    heard: Recording

    @property
    def output(self) -> np.ndarray:
        """What came out from the first click on, float32 [n]: as long as the take."""
        assert self.heard.heard_at is not None
        both = self.heard.output[self.heard.heard_at :][: len(self.take.audio("input"))]
        np.testing.assert_array_equal(both[:, 0], both[:, 1])
        return both[:, 0]

    def line(self, bar: int) -> int:
        """Where a bar starts, in samples from the first click; the count-in is bar -1."""
        return round((bar + 1) * bar_samples(self.bpm))

    @property
    def round_trip(self) -> int:
        """Samples from what comes out to what is played along with it, measured."""
        assert self.heard.signal_at == self.heard.heard_at + self.line(0)
        heard, signal = self.take.audio("input"), self.signal[:RATE]
        # The rig reckons with a loudspeaker and a microphone, which this world does without.
        for delay in range(-ROUND_TRIP_LIMIT, ROUND_TRIP_LIMIT):
            if np.abs(heard[self.line(0) + delay :][: len(signal)] - signal).max() < NEAR:
                return delay
        raise AssertionError("the recording is not in the take's input")


def play(server: JackServer, bpm: int, signal: np.ndarray, *arguments: str) -> Played:
    """Jam to the last bar; `signal` is [n] or [n, 2]."""
    frames = len(signal) + round(START_LIMIT_S * RATE)  # it records while the jam starts
    feeder = Feeder(server, signal, frames, CLICK, round(bar_samples(bpm)))
    with Jam(server, *arguments, "--bpm", str(bpm)) as jam:
        jam.wait_event("take")
        feeder.wait_connected()
        started_s = time.monotonic()
        jam.wait_event("end", limit_s=2 * len(signal) / RATE + 10)
        took_s = time.monotonic() - started_s
        code = jam.wait()
        heard = feeder.finish()
    take = jam.take()
    print(f"\n{len(take.audio('input')) / RATE:.1f} s of stream in {took_s:.1f} s; {take.pace}")
    mean = signal if signal.ndim == 1 else signal.mean(axis=1)
    return Played(bpm, jam, code, take, mean, heard)


def on_a_machine_that_runs(
    factory: pytest.TempPathFactory, name: str, perform: Callable[[Path], Played]
) -> Played:
    """A jam, in a new folder; played again while the machine was to blame for its tempo."""
    for left in reversed(range(TRIES)):
        watch = StallWatch()
        try:
            played = perform(factory.mktemp(name))
        finally:
            hitches = watch.finish()
        tempi, heard = played.take.of("tempo"), played.heard
        assert heard.heard_at is not None
        frames = heard.heard_at + np.array([event["time_s"] for event in tempi]) * RATE
        bpms = [event["bpm"] for event in tempi]
        why = why_again(hitches, heard.real_s(frames, RATE), bpms, played.bpm, PERIOD / RATE)
        if not why:
            break
        print(f"{name}: {why}; {'played again' if left else 'judged as it is'}")
    return played


def onset(audio: np.ndarray, line: int) -> int:
    """How many samples after `line` a marker near it begins: first sample a tenth of its peak."""
    reach = RATE // 20
    near = np.abs(audio[line - reach :][: 2 * reach])
    assert near.max() > 0.01, f"no marker near sample {line}"
    return int(np.flatnonzero(near >= 0.1 * near.max())[0]) - reach


def assert_on_bar_lines(played: Played, name: str, audio: np.ndarray, bars: range) -> None:
    """Every bar of these has a marker within 1 ms of its line; prints by how much.

    Where the machine stood still and the tempo was bent, within 2 ms, of bars that are steady.
    """
    steady = [bar for bar in bars if played.take.steady(bar)]
    assert len(steady) > len(bars) // 4
    errors = np.array([onset(audio, played.take.line(bar)) for bar in steady])
    print(
        f"{name}: first sample less bar line, {len(errors)} bars: min {errors.min()}, "
        f"median {np.median(errors):g}, max {errors.max()} samples of {RATE} Hz"
    )
    assert np.abs(errors).max() <= (2 if played.take.of("tempo") else 1) * RATE // 1000


def assert_input_is_whole(played: Played) -> None:
    """The take's input is the recording, sample for sample, one round trip late."""
    delay = played.round_trip
    print(f"round trip: {delay} samples, {1000 * delay / RATE:.1f} ms")
    arrived = played.take.audio("input")[played.line(0) + delay :]
    length = min(len(arrived), len(played.signal))
    np.testing.assert_allclose(arrived[:length], played.signal[:length], rtol=0, atol=NEAR)


def assert_output_is_the_take(played: Played, players: list[str]) -> None:
    """What came out after the count-in is the players' files, sample for sample."""
    sounded = np.sum([played.take.audio(name) for name in players], axis=0)
    after = slice(played.line(0), None)
    np.testing.assert_allclose(played.output[after], sounded[after], rtol=0, atol=4 * NEAR)


class TestThirtyTwoBars:
    """Three players whose every bar begins with a sharp marker, 32 bars at 200 BPM."""

    BPM, BARS, CYCLE = 200, 32, 4
    PLAYERS: ClassVar = {"bass": "bass", "drums": "drums", "keys": "piano"}

    @pytest.fixture(scope="class")
    @classmethod
    def played(cls, tmp_path_factory: pytest.TempPathFactory) -> Played:
        return on_a_machine_that_runs(tmp_path_factory, "jam-32", cls.perform)

    @classmethod
    def perform(cls, folder: Path) -> Played:
        players = [  # quiet enough that the limiter leaves the three together as they are
            {"name": name, "instrument": instrument, "level": -10.0}
            for name, instrument in cls.PLAYERS.items()
        ]
        preset = write_preset(folder, "markers", cycle=cls.CYCLE, players=players, **STANDIN)
        signal = real_recording("rock-095.ogg", 95, 16, cls.BPM, cls.BARS)
        with JackServer(folder, rate=RATE) as server:
            return play(server, cls.BPM, signal, preset, "--bars", str(cls.BARS))

    def test_it_ends_after_the_last_bar_and_names_its_take(self, played: Played) -> None:
        assert played.code == 0, played.jam.errors
        (end,) = played.take.of("end")
        assert end["reason"] == "last bar"
        assert f"take: {played.take.folder}" in played.jam.printed
        assert (played.take.folder / "take.png").stat().st_size > 0

    def test_the_recording_arrives_whole(self, played: Played) -> None:
        assert_input_is_whole(played)

    def test_what_comes_out_is_what_the_take_holds(self, played: Played) -> None:
        assert_output_is_the_take(played, list(self.PLAYERS))

    def test_every_stem_starts_on_its_bar_line(self, played: Played) -> None:
        bars = range(self.CYCLE, self.BARS)
        print()
        assert_on_bar_lines(played, "output", played.output, bars)
        for name in self.PLAYERS:
            assert_on_bar_lines(played, name, played.take.audio(name), bars)

    def test_every_bar_after_the_first_cycle_has_a_stem(self, played: Played) -> None:
        for name in self.PLAYERS:
            assert_stem_in_every_bar(played.take, name, self.CYCLE, self.BARS)

    def test_nothing_sounds_before_the_first_cycle_is_over(self, played: Played) -> None:
        listening = played.output[played.line(0) : played.take.line(self.CYCLE) - RATE // 100]
        assert not listening.any()


def assert_stem_in_every_bar(take: TakeRead, player: str, cycle: int, bars: int) -> None:
    """By the take's log: silence in the first cycle, then a bar of a plan in every bar."""
    sounding = [event["sounding"] for event in take.of("bar", player=player)]
    assert [event["bar"] for event in take.of("bar", player=player)] == list(range(bars))
    kinds = {kind: sounding.count(kind) for kind in sorted(set(sounding))}
    print(f"\n{player}: {kinds}")
    assert set(sounding[:cycle]) == {"silence"}
    assert set(sounding[cycle:]) <= {"plan", "older plan"}


@pytest.mark.side_by_side
def test_both_channels_of_a_device_arrive_whole(tmp_path: Path) -> None:
    bpm, bars = 200, 6
    preset = write_preset(tmp_path, "pair", cycle=2, players=[{"name": "bass"}], **STANDIN)
    left = real_recording("rock-095.ogg", 95, 16, bpm, bars)
    both = np.stack([left, np.float32(0.5) * np.roll(left, RATE // 3)], axis=1)
    with JackServer(tmp_path, rate=RATE) as server:
        played = play(server, bpm, both, preset, "--bars", str(bars))
    assert played.code == 0, played.jam.errors
    assert_input_is_whole(played)
    kept, heard = played.take.audio("input-stereo"), played.take.audio("input")
    assert len(kept) == len(heard)
    np.testing.assert_allclose(kept.mean(axis=1), heard, rtol=0, atol=NEAR)
    arrived = kept[played.line(0) + played.round_trip :]
    length = min(len(arrived), len(both))
    np.testing.assert_array_equal(arrived[:length], both[:length])


class TestModel:
    """The bass preset with the model itself, 10 bars at 120 BPM."""

    BPM, BARS, CYCLE = 120, 10, 4

    @pytest.fixture(scope="class")
    @classmethod
    def played(cls, tmp_path_factory: pytest.TempPathFactory) -> Played:
        return on_a_machine_that_runs(tmp_path_factory, "jam-model", cls.perform)

    @classmethod
    def perform(cls, folder: Path) -> Played:
        bass = yaml.safe_load((ROOT / "presets" / "bass.yaml").read_text())
        bass["players"][0]["level"] = -20.0  # however loud it is, the limiter leaves it as it is
        preset = write_preset(folder, "bass", **{**bass, "osc": {"port": 0}})
        arguments = [preset, "--bars", str(cls.BARS)]
        signal = real_recording("rock-095.ogg", 95, 16, cls.BPM, cls.BARS)
        with JackServer(folder, rate=RATE) as server:
            return play(server, cls.BPM, signal, *arguments)

    def test_it_ends_after_the_last_bar(self, played: Played) -> None:
        assert played.code == 0, played.jam.errors
        (end,) = played.take.of("end")
        assert end["reason"] == "last bar"

    def test_the_recording_arrives_whole(self, played: Played) -> None:
        assert_input_is_whole(played)

    def test_every_bar_after_the_first_cycle_has_a_stem(self, played: Played) -> None:
        assert_stem_in_every_bar(played.take, "bass", self.CYCLE, self.BARS)

    def test_what_comes_out_is_the_stem_sample_by_sample(self, played: Played) -> None:
        assert_output_is_the_take(played, ["bass"])
        playing = slice(played.line(self.CYCLE), played.line(self.BARS))
        output, stem = played.output[playing], played.take.audio("bass")[playing]
        loudness = np.sqrt(np.mean(np.square(stem)))
        print(
            f"\nstem RMS {20 * np.log10(loudness):.1f} dBFS; output and file differ by at most "
            f"{np.abs(output - stem).max():.1e}, correlation {np.corrcoef(output, stem)[0, 1]:.9f}"
        )
        assert not is_silent(stem)

    def test_there_is_no_gap_in_the_stem(self, played: Played) -> None:
        """Where a plan sounds no two samples are quite 0 for long, however quiet it is."""
        output = played.output[played.line(self.CYCLE) : played.line(self.BARS)]
        gaps = np.diff(np.flatnonzero(output), prepend=-1, append=len(output)) - 1
        print(f"\nlongest run of zeros: {gaps.max()} samples")
        assert gaps.max() <= RATE // 1000

    def test_nothing_sounds_before_the_first_cycle_is_over(self, played: Played) -> None:
        listening = played.output[played.line(0) : played.take.line(self.CYCLE) - RATE // 10]
        assert not listening.any()


class TestSteered:
    """A real recording as it is, at 135 BPM; other programs turn knobs, then Ctrl-C."""

    BPM, CYCLE, LAST_BAR = 135, 2, 7
    # Controller 20 on channel 1 is guidance_audio of the first player, by the table.
    MOVES: ClassVar = {
        "midi": ("guidance_audio", 3.0, 100 / 127 * 6),
        "oscsend": ("guidance_audio", 100 / 127 * 6, 4.25),
        "Pure Data": ("guidance_clock", 3.0, 3.5),
    }

    @pytest.fixture(scope="class")
    @classmethod
    def played(cls, tmp_path_factory: pytest.TempPathFactory) -> Played:
        return on_a_machine_that_runs(tmp_path_factory, "jam-steered", cls.perform)

    @classmethod
    def perform(cls, folder: Path) -> Played:
        content = {"players": [{"name": "bass"}], "midi": {}, "osc": {"port": 0}, **STANDIN}
        preset = write_preset(folder, "steered", cycle=cls.CYCLE, **content)
        signal = real_recording("metal-135.ogg", 135, 24, cls.BPM, 24)
        with JackServer(folder, rate=RATE) as server:
            feeder = Feeder(server, signal, 60 * RATE, CLICK, round(bar_samples(cls.BPM)))
            with Jam(server, preset, "--bpm", str(cls.BPM)) as jam:
                cls.turn_knobs(server, jam)
                jam.wait_event("bar", bar=cls.LAST_BAR)
                jam.interrupt()
                code = jam.wait()
                heard = feeder.finish()
            return Played(cls.BPM, jam, code, jam.take(), signal, heard)

    @classmethod
    def turn_knobs(cls, server: JackServer, jam: Jam) -> None:
        """One knob by each way in, each right after a plan: the next is almost a bar away."""
        midi = server.python("-m", "tests.rig.jam_midi", "companion:knobs")
        line = jam.wait_event("plan")
        midi.expect("connected")
        port = re.search(r"OSC: 127\.0\.0\.1:(\d+)", jam.printed)
        assert port is not None, jam.printed
        for way in cls.MOVES:
            if way == "midi":
                midi.say("176 20 100")
            elif way == "oscsend":
                address = "/companion/bass/guidance_audio"
                subprocess.run(["oscsend", "127.0.0.1", port[1], address, "f", "4.25"], check=True)
            else:
                patch = [str(ROOT / "tests" / "rig" / "jam_knob.pd")]
                sends = ["-send", f"port {port[1]}", "-send", "value 3.5"]
                command = ["pd", "-nogui", "-noaudio", "-nomidi", "-open", *patch, *sends]
                subprocess.run(command, check=True, timeout=20, capture_output=True)
            line = jam.wait_event("plan", after=jam.wait_event("knob", after=line))

    @pytest.mark.parametrize("way", MOVES)
    def test_the_next_plan_has_the_value_of_a_knob_moved_by(self, way: str, played: Played) -> None:
        name, before, value = self.MOVES[way]
        events = played.take.events
        moves = [line for line, event in enumerate(events) if event["type"] == "knob"]
        moved = moves[list(self.MOVES).index(way)]
        plans = [line for line, event in enumerate(events) if event["type"] == "plan"]
        old = next(line for line in reversed(plans) if line < moved)
        new = next(line for line in plans if line > moved)
        print(
            f"\n{way}: knob at {events[moved]['time_s']:.3f} s; plan {events[old]['epoch']} at "
            f"{events[old]['time_s']:.3f} s {name} {events[old]['knobs'][name]:g}, plan "
            f"{events[new]['epoch']} at {events[new]['time_s']:.3f} s {name} "
            f"{events[new]['knobs'][name]:g}"
        )
        assert events[moved]["name"] == name
        assert events[moved]["player"] == "bass"
        assert events[moved]["moved_by"] == ("midi" if way == "midi" else "osc")
        assert events[moved]["value"] == pytest.approx(value, abs=1e-5)
        assert events[old]["knobs"][name] == pytest.approx(before, abs=1e-5)
        assert events[new]["knobs"][name] == pytest.approx(value, abs=1e-5)

    def test_ctrl_c_ends_the_take_as_it_should(self, played: Played) -> None:
        assert played.code == 0, played.jam.errors
        assert "Traceback" not in played.jam.errors + played.jam.printed
        last = played.take.events[-1]
        print(f"\nend: {last}")
        assert (last["type"], last["reason"]) == ("end", "stopped")
        assert f"take: {played.take.folder}" in played.jam.printed
        assert (played.take.folder / "take.png").stat().st_size > 0
        lengths = {len(played.take.audio(name)) for name in ("input", "bass")}
        assert lengths == {round(last["time_s"] * RATE)}
        assert_input_is_whole(played)

    def test_every_stem_starts_on_its_bar_line_between_samples_too(self, played: Played) -> None:
        assert bar_samples(self.BPM) % 1
        assert_on_bar_lines(played, "output", played.output, range(self.CYCLE, self.LAST_BAR - 1))


def assert_replays(take: TakeRead) -> None:
    """``companion replay`` makes the same stems to the sample."""
    replay = [sys.executable, "-m", "companion.cli.app", "replay", str(take.folder)]
    ended = subprocess.run(replay, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.side_by_side
class TestLeaking:
    """What the players play comes back into the input, through a cable as loud as it went out."""

    BPM, BARS, MORE = 120, 16, 333

    def test_it_is_taken_out_of_what_they_hear_and_the_take_knows_what(
        self, tmp_path: Path
    ) -> None:
        players = [{"name": "bass"}, {"name": "keys"}]
        preset = write_preset(tmp_path, "leaking", cycle=2, players=players, midi={}, **STANDIN)
        signal = 0.3 * real_recording("rock-095.ogg", 95, 16, self.BPM, self.BARS)
        with JackServer(tmp_path, rate=RATE) as server:
            server.environment["COMPANION_CONFIG"] = str(tmp_path / "config")
            server.python("-m", "tests.rig.loop", str(self.MORE))
            played = play(server, self.BPM, signal, preset, "--bars", str(self.BARS))
        assert played.code == 0, played.jam.errors
        heard, echo = played.take.audio("input"), played.take.audio("echo")
        assert len(heard) == len(echo)
        late = slice(played.line(8), played.line(self.BARS - 1))
        performed = np.zeros(len(heard), np.float32)
        at = played.line(0) + played.round_trip
        end = min(len(heard), at + len(signal))
        performed[at:end] = signal[: end - at]
        power = np.mean(performed[late] ** 2)
        leaked = np.mean((heard - performed)[late] ** 2)
        left = np.mean((heard - echo - performed)[late] ** 2)
        below, less = (10 * np.log10(ratio) for ratio in (power / leaked, leaked / left))
        print(f"the leak is {below:.1f} dB below what is played, and {less:.1f} dB less then")
        assert less > 8.0
        assert_replays(played.take)


class TestUnplugged:
    """The server is killed in the middle of a jam, at 240 BPM, and started again after 2 s."""

    BPM = 240

    def test_the_bars_go_on_and_the_players_are_back_with_the_server(self, tmp_path: Path) -> None:
        players = [{"name": "bass"}]
        preset = write_preset(tmp_path, "unplugged", cycle=1, players=players, midi={}, **STANDIN)
        signal = real_recording("rock-095.ogg", 95, 16, self.BPM, 16)
        with JackServer(tmp_path, rate=RATE, real_time=True) as server:
            Feeder(server, signal, 60 * RATE, CLICK, round(bar_samples(self.BPM)))
            with Jam(server, preset, "--bpm", str(self.BPM)) as jam:
                line = jam.wait_event("bar", sounding="plan")
                jam.wait_event("bar", after=line + 3)
                server.kill()
                killed_s = time.monotonic()
                lost = jam.wait_event("incident", what="device lost")
                noticed_s = time.monotonic() - killed_s
                time.sleep(max(0.0, killed_s + 2 - time.monotonic()))
                server.start()
                again = Feeder(server, np.resize(signal, 30 * RATE), 60 * RATE)
                up_s = time.monotonic()
                back = jam.wait_event("incident", after=lost, what="device back")
                back_s = time.monotonic() - up_s
                planned = jam.wait_event("bar", after=back, sounding="plan")
                jam.wait_event("bar", after=planned + 4)
                jam.interrupt()
                code = jam.wait()
                again.finish()
        take = jam.take()
        incident = take.events[back]
        assert_replays(take)
        print(f"\nnoticed after {noticed_s:.2f} s; settled {back_s:.2f} s after the server was up")
        print(f"{incident['detail']}; take {take.pace}")
        assert code == 0, jam.errors
        assert noticed_s < 1.0  # with the time to see it in the log
        bars = [event["bar"] for event in take.of("bar")]
        assert bars == list(range(len(bars)))
        heard, bass = take.audio("input"), take.audio("bass")
        assert len(heard) == len(bass) == round(take.events[-1]["time_s"] * RATE)
        sounds = [event["bar"] for event in take.of("bar") if event["sounding"] != "silence"]
        print(f"bars: {[event['sounding'] for event in take.of('bar')]}")
        assert take.of("bar", sounding="repeat")
        missing = take.of("bar", sounding="silence", expected=True)
        assert all(event["bar"] < sounds[0] for event in missing)
        lines = [take.line(bar) for bar in sounds if take.steady(bar)]
        errors = [onset(bass, line) for line in lines if line < len(bass) - RATE // 10]
        print(f"first sample less bar line: {errors} samples")
        assert max(map(abs, errors)) <= (2 if take.of("tempo") else 1) * RATE // 1000
