"""How many players at which tempo a machine carries, and with how many decode steps.

The rule: plans of all players, made together, are there within `SHARE` of a bar in 95 of 100 cases.
They are made once a bar, and what is left of it is for the rest of the rig and for other programs.

What was measured is at one tempo and with one number of steps; other ones are reckoned from it by
the work there is in a plan, as the rig itself reckons what it has time for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from companion.bench.measured import Carried
from companion.clock.grid import MAX_BPM, MIN_BPM, Grid
from companion.clock.meter import Meter
from companion.control.store import Snapshot
from companion.generate.latency import Latency, Work
from companion.generate.protocol import Ready
from companion.players.layout import Layout, lay_out
from companion.players.settings import effort_of
from companion.system.errors import CompanionError

SHARE = 0.6
"""Of a bar."""
_RATE = 48_000  # of the device; it decides nothing here


@dataclass(frozen=True, slots=True)
class Capacity:
    """What was measured, to reckon from.

    Attributes:
        ready: the generator.
        meter: of the music.
        bpm: tempo that was measured at.
        knobs: of a player.
        timings_s: seconds of a stem's stages, as in `StemResult.timings`.
        plan_s: 95th percentile of a plan's seconds, by the number of players.
    """

    ready: Ready
    meter: Meter
    bpm: Fraction
    knobs: Snapshot
    timings_s: Mapping[str, float]
    plan_s: Mapping[int, float]

    def carries(self, players: int, bpm: Fraction, steps: int) -> bool:
        """Whether the rule holds; not where the generator's window is too short for a bar."""
        return self._layout(bpm) is not None and self.bars(players, bpm, steps) <= SHARE

    def bars(self, players: int, bpm: Fraction, steps: int) -> float:
        """The same as `seconds`, in bars."""
        return self.seconds(players, bpm, steps) * float(bpm / (60 * self.meter.beats_per_bar))

    def seconds(self, players: int, bpm: Fraction, steps: int) -> float:
        """What a plan of so many players takes in 95 of 100 cases.

        CompanionError where the generator's window is too short for a bar.
        """
        measured, asked = self._work(self.bpm, int(self.knobs["steps"])), self._work(bpm, steps)
        latency = Latency(measured, self.timings_s)
        alike_s = latency.plan_s([measured] * players, 0.0)
        return self._measured_s(players) * latency.plan_s([asked] * players, 0.0) / alike_s

    def carried(self, players: int) -> tuple[Carried, ...]:
        """What it holds for with all the steps of the knob, and with fewer where they are too many.

        These are as many as it holds with at the tempo that was measured at. Empty: not with one.
        """
        whole = self._up_to(players, int(self.knobs["steps"]))
        found = [] if whole is None else [whole]
        if (whole is None or whole.bpm < self.bpm) and (most := self.most_steps(players, self.bpm)):
            found.append(Carried(players, most, int(self.bpm)))
        return tuple(found)

    def _up_to(self, players: int, steps: int) -> Carried | None:
        """The fastest whole tempo that it holds at, with all slower ones whose bars fit."""
        bpm: int | None = None
        for each in range(MIN_BPM, MAX_BPM + 1):
            tempo = Fraction(each)
            if self._layout(tempo) is None:
                continue
            if not self.carries(players, tempo, steps):
                break
            bpm = each
        return None if bpm is None else Carried(players, steps, bpm)

    def most_steps(self, players: int, bpm: Fraction) -> int | None:
        """The most steps, up to those of the knob, that it holds with; None: not with one."""
        wished = int(self.knobs["steps"])
        holding = (n for n in range(wished, 0, -1) if self.carries(players, bpm, n))
        return next(holding, None)

    def _measured_s(self, players: int) -> float:
        """Between two numbers of players, and beyond, each player costs as much as the next."""
        if players in self.plan_s:
            return self.plan_s[players]
        first, last = min(self.plan_s), max(self.plan_s)
        if first == last:
            return self.plan_s[first] * players / first
        each_s = (self.plan_s[last] - self.plan_s[first]) / (last - first)
        return self.plan_s[first] + max(0.0, each_s) * (players - first)

    def _layout(self, bpm: Fraction) -> Layout | None:
        grid = Grid(_RATE, bpm, 0, self.meter.beats_per_bar)
        try:
            return lay_out(grid, 16, self.ready.max_frames - 1)  # one less, as the planner has it
        except CompanionError:
            return None

    def _work(self, bpm: Fraction, steps: int) -> Work:
        layout = self._layout(bpm)
        if layout is None:
            raise CompanionError(
                f"a bar of {self.meter.name} at {float(bpm):g} BPM is longer than the generator's "
                "window; valid: a faster tempo"
            )
        wished, can = {**self.knobs, "steps": steps}, self.ready.abilities
        effort = effort_of(wished, can.sources, can.in_depth, can.guided)
        return Work.of(layout.frames, layout.frames - layout.prefix_frames, effort)
