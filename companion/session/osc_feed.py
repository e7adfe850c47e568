"""What the world is told while the companion plays: beats, metrics, meters and knobs, over OSC.

Each beat `/companion/beat`; at a bar line, in the same bundle, `/companion/bar` and the metrics
(see `bar_messages`); up to 20 times a second the meters; every knob at the start, then whenever
anything but OSC moves it, at the address that turns it; and `/companion/trouble` when something
goes wrong or is over. README.md has the table.

*Threading*: belongs to the session's thread; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from companion.control.osc_out import Messages, OscSender
from companion.control.osc_packet import Argument, Message
from companion.control.parameters import BY_NAME, Value
from companion.control.store import Change
from companion.players.desk import Desk
from companion.players.metrics import BarMetrics, PlayerMetrics
from companion.session.trouble import Trouble

METERS_HZ = 20
MOST_BEATS = 16
"""Beats that are told of at once, if the session was held up; those before are left out."""


class OscFeed:
    """Sends what is new at each tick."""

    def __init__(self, sender: OscSender | None, desk: Desk) -> None:
        """Nothing told yet; without a sender nothing ever is."""
        self._send: Callable[[Messages], object] = lambda _: None
        if sender is not None:
            self._send = sender.send
        self._memory, self._transport = desk.memory, desk.transport
        self._store, self._metrics = desk.store, desk.metrics
        self._next_beat: int | None = None
        self._next_meters = 0
        self._moved: list[Message] = []

    def start(self) -> None:
        """Tell every knob, so that a controller shows what is: a bundle for each player."""
        for player in (None, *self._store.players):
            values = self._store.snapshot(player).items()
            self._send(
                knob_message(name, player, value)
                for name, value in values
                if BY_NAME[name].kind != "trigger"
            )

    def turned(self, change: Change) -> None:
        """A knob was moved; who moved it over OSC knows."""
        if change.source != "osc" and BY_NAME[change.name].kind != "trigger":
            self._moved.append(knob_message(change.name, change.player, change.new))

    def trouble(self, trouble: Trouble) -> None:
        """Something went wrong, or is over."""
        told = trouble.severity, trouble.text, int(not trouble.over)
        self._moved.append(("/companion/trouble", told))

    def tick(self, now_samples: int) -> None:
        """Send what is new."""
        moved, self._moved = self._moved, []
        self._send(moved)
        for beat in self._begun(now_samples):
            self._send(self._beat_messages(beat))
        if now_samples >= self._next_meters:
            self._next_meters = now_samples + self._transport.rate // METERS_HZ
            self._send(self._meter_messages())

    def _begun(self, now: int) -> range:
        """The beats that have begun since the last tick."""
        last = int(self._transport.beat_at(now) // 1)
        while self._transport.beat_start_samples(last + 1) <= now:  # rounded down to this sample
            last += 1
        first = last if self._next_beat is None else max(self._next_beat, last - MOST_BEATS + 1)
        self._next_beat = max(last + 1, self._next_beat or last + 1)
        return range(first, last + 1)

    def _beat_messages(self, beat: int) -> Iterator[Message]:
        bar, of_bar = divmod(beat, self._transport.beats_per_bar)
        yield "/companion/beat", (of_bar + 1, bar + 1, float(self._transport.bpm))
        if of_bar == 0:
            yield "/companion/bar", (bar + 1,)
            if bar >= 0:
                yield from bar_messages(self._metrics.bar(bar, self._store.players))

    def _meter_messages(self) -> Iterator[Message]:
        meters = self._memory.meters
        yield "/companion/meter/in", (meters.input,)
        yield "/companion/meter/out", (meters.output,)
        for voice, player in enumerate(self._store.players, 1):
            yield f"/companion/{player}/meter", (meters.voices[voice],)


def knob_message(name: str, player: str | None, value: Value) -> Message:
    """A knob's value, at the address that turns it."""
    return BY_NAME[name].address(player), (value,)


def bar_messages(metrics: BarMetrics) -> Iterator[Message]:
    """The metrics of a bar: the rig's, then each player's.

    `slack` in seconds, `staleness` in bars, `isr` 0..1, `steps`, `fallback` as its number in
    `metrics.FALLBACKS`; of a player `sounding` as well, as text. What there is none of is not sent.
    """
    yield from _figures("/companion/metrics", metrics.rig)
    for name, player in metrics.players.items():
        place = f"/companion/{name}/metrics"
        yield f"{place}/sounding", (player.sounding or "listening",)
        yield from _figures(place, player)


def _figures(place: str, of: PlayerMetrics) -> Iterator[Message]:
    values: dict[str, Argument | None] = {
        "slack": of.slack_s,
        "staleness": of.staleness_bars,
        "isr": of.isr,
        "steps": of.steps,
        "fallback": of.severity,
    }
    for name, value in values.items():
        if value is not None:
            yield f"{place}/{name}", (value,)
