"""How well a player keeps up: the figures of the decisions made so far."""

from __future__ import annotations

from companion.players.decision import Arrival, BarDecision


class Tally:
    """Counts bars and plans."""

    def __init__(self) -> None:
        """Nothing counted yet."""
        self.expected_bars = 0
        self.ready_bars = 0
        self.repeated_bars = 0
        self.plans = 0
        self.late_plans = 0
        self.least_slack_s: float | None = None

    def count_bar(self, decision: BarDecision) -> None:
        """Count one bar."""
        if decision.expected:
            self.expected_bars += 1
            self.ready_bars += decision.sounding in ("plan", "older plan")
            self.repeated_bars += decision.sounding == "repeat"

    def count_plan(self, arrival: Arrival) -> None:
        """Count one plan that is there."""
        self.plans += 1
        self.late_plans += arrival.slack_s < 0.0
        least = self.least_slack_s
        self.least_slack_s = arrival.slack_s if least is None else min(least, arrival.slack_s)

    @property
    def isr(self) -> float | None:
        """Share (0..1) of the bars due that had a stem ready; None before the first."""
        return self.ready_bars / self.expected_bars if self.expected_bars else None
