"""What the world is told while the companion plays: beats, metrics, meters and knobs, over OSC.

Each beat `/companion/beat`; at a bar line, in the same bundle, `/companion/bar` and the metrics
(see `bar_messages`); up to 20 times a second the meters; every knob at the start, then whenever
anything but OSC moves it, at the address that turns it; and `/companion/trouble` when something
goes wrong or is over. Who subscribed is told more: what OSC moves too, but for what they moved
themselves, each knob from 0 to 1 as well, and beside the meters where in the bar it is and how the
plans come along. README.md has the table.

*Threading*: belongs to the session's thread; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping

from companion.control.osc_out import Messages, OscSender
from companion.control.osc_packet import Argument, Message
from companion.control.osc_turning import all_knob_messages, knob_messages
from companion.control.parameters import BY_NAME
from companion.control.store import Change
from companion.players.desk import Desk
from companion.players.metrics import BarMetrics, PlayerMetrics
from companion.session.trouble import Trouble

METERS_HZ = 20
MOST_BEATS = 16
"""Beats that are told of at once, if the session was held up; those before are left out."""


class OscFeed:
    """Sends what is new at each tick.

    Attributes:
        also: asked at each tick for news of others, which subscribers are told as well.
    """

    def __init__(
        self,
        sender: OscSender | None,
        desk: Desk,
        progress: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        """Nothing told yet; without a sender nothing ever is.

        Args:
            sender: who it is told by.
            desk: what there is to tell.
            progress: share (0..1) that is done of the plans that are being made, by player.
        """
        self._send: Callable[[Messages], object] = lambda _: None
        self._send_more: Callable[[Messages, Hashable], object] = lambda *_: None
        if sender is not None:
            self._send, self._send_more = sender.send, sender.send_more
        self._progress = progress
        self._memory, self._transport = desk.memory, desk.transport
        self._store, self._metrics = desk.store, desk.metrics
        self._next_beat: int | None = None
        self._next_meters = 0
        self._moved: list[Message] = []
        self.also: list[Callable[[], list[Message]]] = []
        # What only subscribers are told, by knob: the last of it, and whose hand it is from.
        self._turned: dict[tuple[str | None, str], tuple[Hashable, list[Message]]] = {}

    def start(self) -> None:
        """Tell every knob, so that a controller shows what is: a bundle for each player."""
        for player in (None, *self._store.players):
            messages = all_knob_messages(self._store, player)
            self._send(messages[::2])
            self._send_more(messages[1::2], None)

    def turned(self, change: Change) -> None:
        """A knob was moved; who moved it over OSC knows."""
        if BY_NAME[change.name].kind == "trigger":
            return
        plain, normalised = knob_messages(change.name, change.player, change.new)
        knob = change.player, change.name
        self._turned.pop(knob, None)
        earlier = [told for told in self._moved if told[0] == plain[0]]
        self._moved = [told for told in self._moved if told[0] != plain[0]]
        # What has moved it before in the same tick would else be told last, to that hand as well.
        if change.source == "osc" and not earlier:
            by = change.hand[0] if isinstance(change.hand, tuple) else None
            self._turned[knob] = by, [plain, normalised]
        else:
            self._moved.append(plain)
            self._turned[knob] = None, [normalised]

    def preset(self, name: str) -> None:
        """Another preset of the set plays."""
        self._moved.append(("/companion/preset", (name,)))

    def trouble(self, trouble: Trouble) -> None:
        """Something went wrong, or is over."""
        told = trouble.severity, trouble.text, int(not trouble.over)
        self._moved.append(("/companion/trouble", told))

    def tick(self, now_samples: int) -> None:
        """Send what is new."""
        moved, self._moved = self._moved, []
        self._send(moved)
        self._tell_turned()
        for news in self.also:
            self._send_more(news(), None)
        for beat in self._begun(now_samples):
            self._send(self._beat_messages(beat))
        if now_samples >= self._next_meters:
            self._next_meters = now_samples + self._transport.rate // METERS_HZ
            self._send(self._meter_messages())
            self._send_more(self._ramps(now_samples), None)

    def _tell_turned(self) -> None:
        """Subscribers' own news of knobs, a bundle for each hand that they are from."""
        turned, self._turned = self._turned, {}
        of_hand: dict[Hashable, list[Message]] = {}
        for by, messages in turned.values():
            of_hand.setdefault(by, []).extend(messages)
        for by, messages in of_hand.items():
            self._send_more(messages, by)

    def _ramps(self, now: int) -> Iterator[Message]:
        """What moves steadily from 0 to 1: the bar, and each player's plan (0 while none is made).

        Each is one float.
        """
        beats = self._transport.beats_per_bar
        yield "/companion/beat/phase", (self._transport.beat_at(now) % beats / beats,)
        progress = self._progress()
        for player in self._store.players:
            yield f"/companion/{player}/plan", (progress.get(player, 0.0),)

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
