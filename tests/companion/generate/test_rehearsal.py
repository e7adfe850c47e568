"""Listening, planning and timeline together, with the stand-in, on the offline clock."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.audio.silence import is_silent
from companion.audio.writer import StemWriter
from companion.clock.transport import Transport
from companion.generate.effort import Effort
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.listen.retimed_input import RetimedInput
from companion.listen.window import context_window
from companion.players.decision import BarDecision, Placement
from companion.players.planner import Planner
from companion.players.request import stem_requests
from model.request import DecodeSettings
from tests.companion.studio import solo

EFFORT = Effort(DecodeSettings().steps, {"audio": 2.0, "instrument": 1.5, "clock": 1.0}, "joint")
KNOBS = solo().store().snapshot("bass")


@dataclass
class Rehearsal:
    """One player; every plan arrives `takes_s` after it was begun, those in `lost` never."""

    transport: Transport
    takes_s: float = 0.6
    lost: range = range(0)
    decisions: list[BarDecision] = field(default_factory=list)

    def play(self, signal: np.ndarray, bars: int) -> np.ndarray:
        transport, rate = self.transport, self.transport.rate
        memory = AudioMemory(rate, players=1, ring_samples=2**21)
        stream = OfflineStream(memory, signal, record=True)
        writer = StemWriter(memory)
        worker = InlineWorker(loading("standin"))
        ready = worker.wait_ready()
        self.planner = planner = Planner(transport, 0, 5, ready.max_frames, ready.silence)
        making = []

        def place(placement: Placement | None) -> None:
            if placement is not None:
                assert writer.place(1, placement.start_samples, placement.clip, placement.lead_in)
                planner.placed(placement)

        for now in range(0, transport.bar_start_samples(bars), rate // 20):
            stream.advance(now)
            for window, end in list(making):
                if now >= window.made_samples + self.takes_s * rate:
                    making.remove((window, end))
                    place(planner.arrive(window, end.stems[0], now).placement)
            for decision in planner.bars.due(now):
                self.decisions.append(decision)
                place(decision.placement)
            ready_at = now + round((self.takes_s + 0.05) * rate)
            window = planner.window(now, planner.bars.first_bar(ready_at))
            if window is None or window.layout.first_bar in self.lost:
                continue
            layout = window.layout
            heard = RetimedInput(memory, transport, window.grid)
            context = context_window(
                heard, window.grid, layout.first_frame, layout.frames, planner.bars.cycle
            )
            if is_silent(context.audio, context.known):
                place(planner.mute(window, now))
                continue
            given = planner.prefix(layout)
            requests = stem_requests(planner.stem, window, given, context, KNOBS, EFFORT)
            worker.submit(window.epoch, requests)
            making += [(window, end) for end in worker.poll()]
        return stream.output


def onsets(output: np.ndarray, rate: int) -> list[int]:
    """Where it becomes loud after 100 ms without."""
    loud = np.flatnonzero(np.abs(output) > 0.1)
    return [
        int(loud[0]),
        *(int(b) for a, b in itertools.pairwise(loud) if b - a > rate / 10),
    ]


def assert_on(found: list[int], lines: list[int], rate: int) -> None:
    """Each onset on its line: within two samples of 32 kHz, the first stem within its fade-in."""
    off = [onset - at for onset, at in zip(found, lines, strict=True)]
    assert 0 <= off[0] <= rate // 1000
    assert max(map(abs, off[1:])) <= rate // 16000


def music(transport: Transport, bars: int) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0.0, 0.1, transport.bar_start_samples(bars))
    return noise.astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "bpm"), [(48000, Fraction(120)), (44100, Fraction(97)), (96000, Fraction(2221, 10))]
)
def test_every_bar_after_the_first_cycle_has_its_stem_on_its_bar_line(
    rate: int, bpm: Fraction
) -> None:
    transport = Transport(rate, bpm, origin_samples=rate // 3)
    rehearsal = Rehearsal(transport)
    output = rehearsal.play(music(transport, 14), 14)
    lines = [transport.bar_start_samples(bar) for bar in range(4, 14)]
    assert_on(onsets(output, rate), lines, rate)
    assert {d.event.sounding for d in rehearsal.decisions if d.event.bar >= 4} == {"plan"}


def test_when_plans_are_lost_the_stem_goes_on_in_phase() -> None:
    transport = Transport(48000, Fraction(133), origin_samples=20000)
    rehearsal = Rehearsal(transport, lost=range(7, 13))
    output = rehearsal.play(music(transport, 18), 18)
    lines = [transport.bar_start_samples(bar) for bar in range(4, 18)]
    assert_on(onsets(output, 48000), lines, 48000)
    sounding = {d.event.bar: d.event.sounding for d in rehearsal.decisions}
    assert [sounding[bar] for bar in (6, 7, 8, 9, 12, 13)] == [
        "plan",
        "older plan",
        "older plan",
        "repeat",
        "repeat",
        "plan",
    ]


def test_silence_in_gives_silence_out_and_the_stem_ends_when_the_music_does() -> None:
    transport = Transport(48000, Fraction(120), origin_samples=24000)
    silence = np.zeros(transport.bar_start_samples(10), np.float32)
    assert not Rehearsal(transport).play(silence, 10).any()
    signal = np.concatenate([music(transport, 8), silence, silence])
    output = Rehearsal(transport).play(signal, 22)
    found = onsets(output, 48000)
    assert transport.bar_at(found[0] + 5) == 4
    last = transport.bar_at(found[-1] + 5)
    assert 8 <= last <= 8 + 4 + 6  # a cycle stands in once more, and a window still remembers
    assert np.abs(output[transport.bar_start_samples(last) + 48000 // 10 :]).max() < 1e-4
