"""A take replays to the sample: from what was played, the knobs, the seeds and what was decided."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from companion.control.preset import GeneratorPreset, Preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading, weights_digest
from companion.listen.chord import read_chord
from companion.replay.finish_after import HurriedGenerator, Hurry
from companion.replay.replay import replay
from companion.session.rig import run_recording
from companion.session.session import Session
from companion.system.errors import CompanionError
from companion.take.events import EVENTS_FILE
from companion.take.recover import recover
from companion.take.take import Provenance
from tests.companion.audio.leak import leaky_rig, room
from tests.companion.lines import read_lines
from tests.companion.scenes import RATE as STAGE_RATE
from tests.companion.scenes import Outage, Scene, play_scene
from tests.companion.studio import (
    BAR,
    RATE,
    Played,
    failing,
    music,
    new_take,
    play,
    play_delayed,
    solo,
    turn,
)


def standing_in(*names: str, **changes: object) -> Preset:
    """A preset whose generator is the stand-in, for the replay to know."""
    preset = solo(*names, **changes)
    return replace(preset, generator=GeneratorPreset("standin"))


def assert_replays(played: Played, plans: int | None = None) -> None:
    """The take replays to the sample; at least so many plans were made again."""
    replayed = replay(played.take)
    assert replayed.notes == []
    assert replayed.identical
    names = [player.name for player in played.session.preset.players]
    assert list(replayed.differences) == names
    if plans is not None:
        assert replayed.plans >= plans
        assert any(np.abs(played.file(name)).max() > 0.1 for name in names)


def test_a_set_with_knobs_mutes_and_holds(tmp_path: Path) -> None:
    moves = {
        1.5: turn("level", -7.3),
        4.6: turn("regenerate", True),
        5.2: turn("instrument", "organ", "keys"),
        5.3: turn("guidance_audio", 1.234567890123),
        6.7: turn("mute", True),
        7.9: turn("mute", False),
        8.3: turn("hold", True),
        9.8: turn("hold", False),
        10.1: turn("cycle", 2, None),
    }
    played = play(tmp_path, standing_in("bass", "keys", bars=13), music(13), moves=moves, seed=5)
    assert_replays(played, plans=15)


def test_a_set_with_lost_plans_that_bars_are_repeated_for(tmp_path: Path) -> None:
    worker = failing(range(3, 15))
    played = play(tmp_path, standing_in(bars=24), music(24), worker)
    assert "repeat" in played.sounding()
    assert played.of("plan failed")
    assert_replays(played, plans=8)


def test_a_set_with_slow_plans_that_are_hurried_or_come_too_late(tmp_path: Path) -> None:
    slow = {3: 9.0, 4: 8.0, 7: 3.3}
    played, worker = play_delayed(
        tmp_path, standing_in(bars=20), music(20), 0.4, lambda plan: slow.get(plan, 0.7)
    )
    assert worker.hurried
    assert_replays(played, plans=8)


@pytest.mark.parametrize("order", ["apart", "together", "in turn"])
def test_players_that_hear_each_other(tmp_path: Path, order: str) -> None:
    preset = standing_in("bass", "drums", "keys", bars=10, knobs={"order": order})
    moves = {6.5: turn("level", -9.7, "drums"), 7.5: turn("mute", True, "keys")}
    played = play(tmp_path, preset, music(10), moves=moves)
    heard = {len(event["others"]) for event in played.of("heard")}
    assert heard == ({0} if order == "apart" else {0, 1, 2})
    assert_replays(played, plans=15)


def test_a_set_with_bars_again_undone_and_chosen_by_hand(tmp_path: Path) -> None:
    moves = {
        4.5: turn("take", "a"),
        6.3: turn("take", "b"),
        7.4: turn("take", "a"),
        8.3: turn("again", True),
        11.4: turn("undo", True),
        14.2: turn("hold", False),
    }
    played = play(tmp_path, standing_in(bars=17), music(17), moves=moves)
    assert {event["source"] is None for event in played.of("cut")} == {True, False}
    assert_replays(played, plans=6)


def test_a_set_with_silence_in_it(tmp_path: Path) -> None:
    signal = music(16)
    signal[6 * BAR : 11 * BAR] = 0.0
    played = play(tmp_path, standing_in(bars=16), signal)
    assert any(event["bars"] is not None for event in played.of("muted"))
    assert_replays(played, plans=6)


@pytest.mark.parametrize(("rate", "bpm"), [(44_100, "95"), (48_000, "113.3")])
def test_at_the_rates_and_tempi_of_a_stage(tmp_path: Path, rate: int, bpm: str) -> None:
    preset = standing_in("bass", "drums", bars=9, bpm=Fraction(bpm), count_in_bars=1)
    rig = run_recording(2, music(12, rate, float(bpm)), rate, "signal")
    assert_replays(play(tmp_path, preset, music(0), rig=rig), plans=8)


def test_a_tempo_that_moves(tmp_path: Path) -> None:
    tempi = {4.7: 121.3, 6.2: 118.0, 8.9: 125.0, 11.3: 140.0}
    moves = {bar: turn("bpm", bpm, None) for bar, bpm in tempi.items()}
    played = play(tmp_path, standing_in(bars=16), music(18), moves=moves)
    assert len(played.of("tempo")) >= 4
    assert played.of("placed", moved=True)
    assert len({event["bpm"] for event in played.of("heard")}) >= 2
    assert_replays(played, plans=8)


def test_a_first_stem_whose_bar_line_moves_later(tmp_path: Path) -> None:
    moves = {3.4: turn("bpm", 112.0, None)}
    played = play(tmp_path, standing_in(bars=8), music(10), moves=moves)
    line = played.session.transport.bar_start_samples(4)
    assert any(event["start_samples"] < line for event in played.of("placed", moved=True))
    assert_replays(played, plans=4)


def test_clips_that_are_moved_just_before_a_plan_hears_a_round_trip_behind(tmp_path: Path) -> None:
    moves = {5.985: turn("bpm", 121.0, None)}
    rig = leaky_rig(2, music(18), RATE, np.zeros(2048, np.float32), guarded=False)
    preset = standing_in("bass", "keys", bars=10)
    played = play(tmp_path, preset, music(0), rig=rig, moves=moves)
    moved = [event["sample"] for event in played.of("placed", moved=True)]
    assert any(-2048 < e["heard_samples"] - at < 0 for e in played.of("heard") for at in moved)
    assert_replays(played, plans=8)


def test_stems_that_leak_into_the_input_and_are_taken_out_of_it(tmp_path: Path) -> None:
    path = np.zeros(2048, np.float32)
    path[:800] = 0.6 * room(1)[:800]
    rig = leaky_rig(2, 0.3 * music(16), RATE, path, guarded=True)
    played = play(tmp_path, standing_in("bass", "keys", bars=14), music(0), rig=rig)
    heard, echo = played.file("input"), played.file("echo")
    assert len(echo) == len(heard)
    assert not echo[:BAR].any()
    assert np.sqrt(np.mean(echo[6 * BAR :] ** 2)) > 0.001
    assert_replays(played, plans=15)
    (played.take / "echo.wav").unlink()
    assert replay(played.take).notes  # plans ask for something else


def test_stems_over_full_scale(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=7), 12 * music(7), moves={0.5: turn("level", 6.0)})
    assert np.abs(played.file("input")).max() > 1.0
    assert_replays(played, plans=2)


def test_a_take_that_was_killed_replays_as_far_as_it_goes(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=12), music(12))
    log = played.take / EVENTS_FILE
    lines = log.read_bytes().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if b'"bar", "bar": 9' in line)
    log.write_bytes(b"".join(lines[:last]) + lines[last][:30])
    for name in ("input", "bass"):
        path = played.take / f"{name}.wav"
        path.write_bytes(path.read_bytes()[: -4 * 3 * BAR])
    recover(played.take)
    assert_replays(played, plans=4)


def test_a_set_without_a_count_in_that_was_played_into_before_it_began(tmp_path: Path) -> None:
    scene = Scene(tempi={0.0: 110.0, 0.1: 130.0}, cycle=1, ends_s=9.0)
    assert_replays(play_scene(tmp_path, scene), plans=2)


def test_a_set_that_meets_a_midi_master_at_more_than_twice_the_tempo(tmp_path: Path) -> None:
    scene = Scene(
        clock="midi", tempi={0.0: 95.0}, count_in_bars=1, start_s=4.1, cycle=1, ends_s=14.0
    )
    played = play_scene(tmp_path, scene)
    assert max(event["bpm"] for event in played.of("tempo")) > 2 * 95
    assert_replays(played, plans=2)


def test_players_that_rise_from_silence_when_the_device_is_back(tmp_path: Path) -> None:
    scene = Scene(
        tempi={0.0: 240.0}, meter="2/4", count_in_bars=1, cycle=1, outages=(Outage(4.0, 1.4, 200),)
    )
    played = play_scene(tmp_path, scene)
    (fade,) = played.of("faded in")
    rising = round(fade["time_s"] * STAGE_RATE)
    assert np.abs(played.file()[rising : rising + STAGE_RATE // 5]).max() > 0.01
    assert_replays(played, plans=4)


def test_bars_again_at_the_very_moment_at_which_the_tempo_moves(tmp_path: Path) -> None:
    def move(session: Session) -> None:
        turn("bpm", 124.0, None)(session)
        turn("again", True)(session)

    played = play(tmp_path, standing_in(bars=14), music(15), moves={8.3: move})
    kinds = [event["type"] for event in played.events]
    assert kinds.index("tempo") < kinds.index("cut")
    assert_replays(played, plans=4)


def test_another_machine_is_named_and_the_same_one_is_not(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=6), music(6))
    path = played.take / "bass.wav"
    soundfile.write(path, 0.5 * played.file(), RATE, "FLOAT")
    assert replay(played.take).reason.startswith("processor, versions and weights are those")
    log = played.take / EVENTS_FILE
    first, rest = log.read_text().split("\n", 1)
    begun = json.loads(first)
    begun["machine"] |= {"torch": "1.2.3", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    log.write_text(json.dumps(begun) + "\n" + rest)
    reason = replay(played.take).reason
    assert "torch 1.2.3, here" in reason
    assert "ONEDNN_MAX_CPU_ISA AVX2, here not set" in reason
    assert "\n" not in reason and "numpy" not in reason


def test_a_take_that_does_not_know_its_machine_replays(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=6), music(6))
    log = played.take / EVENTS_FILE
    first, rest = log.read_text().split("\n", 1)
    begun = json.loads(first)
    del begun["machine"]
    log.write_text(json.dumps(begun) + "\n" + rest)
    assert replay(played.take).identical
    soundfile.write(played.take / "bass.wav", 0.5 * played.file(), RATE, "FLOAT")
    assert "older companion" in replay(played.take).reason


def test_samples_that_were_never_recorded_are_named(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=6), music(6))
    soundfile.write(played.take / "bass.wav", 0.5 * played.file(), RATE, "FLOAT")
    log = played.take / EVENTS_FILE
    told = log.read_text().replace('"unrecorded_samples": 0', '"unrecorded_samples": 480')
    log.write_text(told)
    assert replay(played.take).reason.startswith("480 of its samples came too late")


def test_the_first_difference_is_told(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in("bass", "drums", bars=9), music(9))
    path = played.take / "bass.wav"
    audio, rate = soundfile.read(path, dtype="float32")
    audio[6 * BAR + 100] += 1e-6
    soundfile.write(path, audio, rate, "FLOAT")
    replayed = replay(played.take)
    difference = replayed.differences["bass"]
    assert difference is not None
    assert (difference.bar, difference.time_s) == (6, (6 * BAR + 100) / RATE)
    assert replayed.differences["drums"] is None
    assert not replayed.identical


def test_another_input_is_told_at_the_plan_that_heard_it(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=9), music(9))
    path = played.take / "input.wav"
    audio, rate = soundfile.read(path, dtype="float32")
    audio[BAR : 2 * BAR] *= 0.5
    soundfile.write(path, audio, rate, "FLOAT")
    notes: list[str] = []
    replayed = replay(played.take, say=notes.append)
    assert notes == replayed.notes
    assert "asks for something else" in notes[0]


def test_the_stems_can_be_written(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in("bass", "drums", bars=7), music(7))
    replay(played.take, out=tmp_path / "again")
    for name in ("bass", "drums"):
        audio, _ = soundfile.read(tmp_path / "again" / f"{name}.wav", dtype="float32")
        assert np.array_equal(audio, played.file(name))


def test_other_weights_are_refused(tmp_path: Path) -> None:
    played = play(tmp_path, standing_in(bars=5), music(5))
    log = played.take / EVENTS_FILE
    log.write_text(log.read_text().replace('"weights": ""', '"weights": "0123456789abcdef"'))
    with pytest.raises(CompanionError, match="0123456789abcdef"):
        replay(played.take)
    with pytest.raises(CompanionError, match="events"):
        replay(tmp_path / "nowhere")


def test_a_set_of_the_bundled_model_that_is_hurried(tmp_path: Path) -> None:
    """Each round is told to finish after other steps, as on a machine that is too slow."""
    hurry = Hurry()

    class Slow(InlineWorker):
        def submit(self, plan: int, requests: Any, patience_s: float = 10.0) -> None:
            hurry.after = [None, 1, 5][plan % 3]
            super().submit(plan, requests, patience_s)

    source = loading("model", "cpu")
    worker = Slow(replace(source, load=lambda: HurriedGenerator(source.load(), hurry)))
    preset = replace(
        solo("bass", "drums", bars=6, knobs={"cycle": 1}),
        generator=GeneratorPreset("model", "cpu"),
    )
    few = {"steps": 3, "guidance_form": "joint"}
    players = tuple(replace(each, knobs={**each.knobs, **few}) for each in preset.players)
    take = new_take(tmp_path, preset, Provenance("1.2", weights_digest("model")))
    preset = replace(preset, players=players)
    rig = run_recording(2, music(6), RATE, "signal")
    Session(preset, rig, worker, preset.store(), take, seed=3, origin_samples=0).run()
    plans = [e for e in read_lines(take.folder / EVENTS_FILE) if e["type"] == "plan"]
    assert len(plans) >= 6
    assert len({plan["steps_done"] for plan in plans}) >= 2
    replayed = replay(take.folder)
    assert replayed.notes == []
    assert replayed.differences == {"bass": None, "drums": None}
    assert replayed.plans == len(plans)


def test_a_set_with_a_chart_and_chords_that_are_told(tmp_path: Path) -> None:
    """Each plan is told the chords of its window, written down as they were, and replays."""
    chords = ("C", "Am F", "G7/B", "N.C.")
    preset = standing_in("bass", bars=16, chords=chords)
    moves = {
        4.5: lambda session: session.harmony.send(read_chord("Dm"), 9),
        6.5: lambda session: session.harmony.release(12),
    }
    played = play(tmp_path, preset, music(16), moves=moves)
    assert_replays(played, 6)
    asked = played.of("asked")
    assert len(played.of("chords")) == len(asked) > 0
    grid = played.session.transport.grid()
    first, frames = ceil(9 * grid.bar_frames), floor(4 * grid.bar_frames)
    told = played.session.harmony.changes(grid, first, frames)
    assert [bass for *_, bass in told] == [2, 0], "D minor from bar 9 on, the chart again from 12"
