"""Following the music itself: where its beats fall, how fast, and which is the first of the bar.

Twice a second a comb of beats is laid over the onsets of the last 12 seconds, recent ones weighing
more; the comb that meets most of them, of tempi near the present one, says where the beats are. The
first of the bar is the beat on which the bass comes in and the harmony changes most.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from companion.audio.aligned_input import Capture
from companion.clock.host_time import HostTime
from companion.clock.onsets import STEPS_PER_S, Onsets
from companion.clock.reading import Reading
from companion.system.errors import CompanionError
from model.ties import first_best

HEARD_S = 12.0
LEAST_S = 4.0
EVERY_S = 0.5
MEMORY_S = 5.0
"""An onset of so long ago weighs 1/e of a new one."""
TEMPO_RANGE, TEMPO_RANGE_LOCKED = 0.12, 0.03
"""How far from the present tempo others are looked for; the second once the beat is known."""
TEMPO_STEPS = 49
PHASE_RANGE_LOCKED = 0.15
"""How far from where it was expected, in beats, the beat is looked for once it is known."""
PHASE_STEPS = 64
PULSE_S = 0.02
"""An onset this far from a tooth of the comb counts little."""
LOCKED = 0.35
UNSURE, SURE = 0.7, 2.2
"""By how much the best comb meets more than the mean of all phases, for confidence 0 and 1."""
LIKELY = 0.06
"""Tempi that far from the present one are less likely by a deviation."""
BETTER, DOUBTS = 1.4, 8
"""A beat elsewhere that meets this much more, so many times in a row, is taken instead."""
SMOOTH = 0.5
"""How much of what is new is believed at once."""
MOVE_BAR = 0.25
"""Another beat is taken for the first of the bar if it is better by so much."""
ALIKE = 1e-4
"""Beats whose bass or harmony differs by no more are the same but for rounding."""
SURE_BAR = 0.8
"""Where the bar starts counts only if that beat is better than any other by so much."""


class FollowSource:
    """Beats of what is heard.

    Args:
        heard: the captured input.
        rate: its samples a second.
        bpm: the present tempo, near which it listens.
        beats_per_bar: at least 1.
    """

    def __init__(
        self, heard: Capture, rate: int, bpm: Callable[[], float], beats_per_bar: int
    ) -> None:
        self._heard, self._rate, self._bpm = heard, rate, bpm
        self._beats_per_bar = beats_per_bar
        self._onsets = Onsets(rate)
        kept = round(HEARD_S * STEPS_PER_S)
        self._rows: NDArray[np.float32] = np.zeros((0, 14), np.float32)
        self._kept = kept
        self._next: int | None = None  # stream sample at which the next row's first window starts
        self._tried = self._doubts = 0
        self._reading: Reading | None = None

    def read(self, now: int, host_time: HostTime) -> Reading | None:
        """See `ClockSource`; None for the first 4 s, and where nothing is heard."""
        self._listen()
        if self._next is not None and now >= self._tried + EVERY_S * self._rate:
            self._tried = now
            self._try()
        return self._reading

    def close(self) -> None:
        """Forget what was heard: another time it will be other music."""
        self._rows, self._next, self._reading = self._rows[:0], None, None

    def _listen(self) -> None:
        """Take in what is new."""
        onsets, position = self._onsets, self._heard.position
        if self._next is None:
            self._next = max(0, position - onsets.samples_of(self._kept))
        new = (position - self._next - onsets.samples_of(0)) // onsets.step_samples
        if new < STEPS_PER_S // 10:
            return
        new = min(new, self._kept)
        try:
            sound = self._heard.capture(self._next, onsets.samples_of(new))
        except CompanionError:  # it was not looked for too long: begin anew
            self.close()
            return
        self._rows = np.concatenate([self._rows, onsets.rows(sound)])[-self._kept :]
        self._next += new * onsets.step_samples

    def _try(self) -> None:
        rows = self._rows
        if len(rows) < LEAST_S * STEPS_PER_S or not rows[:, 0].any():
            self._reading = None
            return
        strength = rows[:, 0] + rows[:, 1]
        strength = np.maximum(0.0, strength - _local_mean(strength)) ** 2
        age = np.arange(len(rows))[::-1] / STEPS_PER_S
        weighted = _blurred(strength * np.exp(-age / MEMORY_S))
        locked = self._reading is not None and self._reading.confidence >= LOCKED
        tempo = self._reading.bpm if self._reading is not None and locked else self._bpm()
        spread = TEMPO_RANGE_LOCKED if locked else TEMPO_RANGE
        tempi = tempo * np.linspace(1 - spread, 1 + spread, TEMPO_STEPS)
        combs = np.stack([_comb(weighted, self._beat_rows(bpm)) for bpm in tempi])
        liked = combs * np.exp(-0.5 * ((tempi / tempo - 1) / LIKELY) ** 2)[:, None]
        allowed = np.where(self._expected(tempi), liked, -1.0) if locked else liked
        if locked and liked.max() > BETTER * allowed.max():
            self._doubts += 1
        else:
            self._doubts = 0
        if self._doubts >= DOUBTS:
            locked, allowed, self._doubts = False, liked, 0
        at, phase = np.unravel_index(np.argmax(allowed), combs.shape)
        bpm = tempi[at] + _peak(combs[:, phase], int(at)) * (tempi[1] - tempi[0])
        ago = (phase + _peak(combs[at], int(phase), wrap=True)) / PHASE_STEPS
        stands_out = float(combs[at, phase] / (combs[at].mean() + 1e-12)) - 1
        certain = (stands_out - UNSURE) / (SURE - UNSURE)
        self._take(float(bpm), float(ago), min(1.0, max(0.0, certain)), locked)

    def _beat_rows(self, bpm: float) -> float:
        """How many rows a beat is long."""
        return 60 * self._rate / bpm / self._onsets.step_samples

    def _last_row_samples(self) -> float:
        """The stream sample at which the last row's onset is heard."""
        assert self._next is not None
        onsets = self._onsets
        return self._next + onsets.samples_of(0) - onsets.last_onset_samples

    def _expected(self, tempi: NDArray[np.float64]) -> NDArray[np.bool_]:
        assert self._reading is not None
        beat = self._reading.beat_at(self._last_row_samples(), self._rate)
        ago = np.arange(PHASE_STEPS) / PHASE_STEPS
        off = (ago - beat + 0.5) % 1 - 0.5
        return np.broadcast_to(np.abs(off) <= PHASE_RANGE_LOCKED, (len(tempi), PHASE_STEPS))

    def _take(self, bpm: float, ago: float, confidence: float, locked: bool) -> None:
        """Believe a comb: its last tooth was so many beats ago."""
        sample = self._last_row_samples()
        beat = ago
        if self._reading is not None:
            expected = self._reading.beat_at(sample, self._rate)
            off = (ago - expected + 0.5) % 1 - 0.5
            beat = expected + off * (SMOOTH if locked else 1.0)
            if locked:
                bpm = self._reading.bpm + SMOOTH * (bpm - self._reading.bpm)
                confidence = self._reading.confidence + SMOOTH * (
                    confidence - self._reading.confidence
                )
        reading = Reading(sample, beat, bpm, confidence=confidence)
        self._reading = self._from_downbeat(reading)

    def _from_downbeat(self, reading: Reading) -> Reading:
        """Beats counted so that the first of the bar is a multiple of the bar's beats."""
        whole = self._beats_per_bar
        score = self._bar_score(reading)
        best = first_best(score, 1.0)
        beat = reading.beat
        if best and score[best] - score[0] > MOVE_BAR:
            beat += -best if beat >= best else whole - best
            score = np.roll(score, -best)
        sure = whole == 1 or score[0] - score[1:].max() > SURE_BAR
        return replace(reading, beat=beat, lock="bar" if sure else "beat")

    def _bar_score(self, reading: Reading) -> NDArray[np.float64]:
        """How much each beat of the bar is like a first one, [beats_per_bar]."""
        rows, whole = self._rows, self._beats_per_bar
        step = self._beat_rows(reading.bpm)
        last = len(rows) - 1
        first_beat = int(np.ceil(reading.beat - (last - 2) / step))
        beats = np.arange(first_beat, int(np.floor(reading.beat)) + 1)
        places = np.round(last - (reading.beat - beats) * step).astype(int)
        inside = (places >= 2) & (places < last - 2)
        beats, places = beats[inside], places[inside]
        if len(beats) < 2 * whole:
            return np.zeros(whole)
        bass = np.array([rows[at - 2 : at + 3, 1].max() for at in places])
        half = max(2, round(step / 2))
        chords = np.array([rows[at : at + half, 2:].mean(axis=0) for at in places])
        chords /= np.linalg.norm(chords, axis=1, keepdims=True) + 1e-12
        change = 1 - (chords[1:] * chords[:-1]).sum(axis=1)
        change = np.concatenate([[change.mean()], change])
        score = np.zeros(whole)
        for values in (bass, change):
            level = np.array([values[beats % whole == each].mean() for each in range(whole)])
            score += (level - level.mean()) / (values.std() + ALIKE)
        return score


def _local_mean(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over half a second around, so that only what stands out remains."""
    width = STEPS_PER_S // 2
    return np.convolve(strength, np.full(width, 1 / width, np.float32), "same")


def _blurred(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """By a pulse, so that teeth need not meet onsets exactly."""
    steps = np.arange(-6, 7) / STEPS_PER_S
    pulse = np.exp(-0.5 * (steps / PULSE_S) ** 2)
    return np.convolve(strength, pulse / pulse.sum(), "same")


def _comb(strength: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """What combs meet, by how many beats ago their last tooth was; [PHASE_STEPS].

    Args:
        strength: of onsets, a row each.
        step: rows between two teeth.
    """
    ago = np.arange(PHASE_STEPS) / PHASE_STEPS
    teeth = np.arange(int(len(strength) / step))
    places = (len(strength) - 1) - (ago[None, :] + teeth[:, None]) * step
    met = np.interp(places, np.arange(len(strength)), strength, left=0.0)
    summed: NDArray[np.float64] = met.sum(axis=0)
    return summed


def _peak(values: NDArray[np.float64], at: int, wrap: bool = False) -> float:
    """How far from an index the top of the parabola through it and its neighbours is."""
    if not wrap and not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1], values[at], values[(at + 1) % len(values)]
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
