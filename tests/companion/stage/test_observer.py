"""What is seen of a session, looked at on the offline clock."""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from pathlib import Path

import pytest

from companion.listen.chart import read_chart
from companion.listen.chord import read_chord
from companion.listen.harmony import Harmony
from companion.session.rig import run_recording
from companion.session.session import Session
from companion.session.status import Status
from companion.session.trouble import Ledger
from companion.stage.observer import Observer, chords
from companion.stage.view import View
from tests.companion.studio import RATE, music, solo, standin, turn


def seen(bars: int = 8, watched: bool = True, hold_from: int = 99) -> list[View]:
    """A set of so many bars, and a look at every tick of it."""
    preset = solo("bass", "keys", bars=bars, knobs={"cycle": 2}, chords=("Am", "F"))
    rig = run_recording(2, music(bars), RATE, "signal")
    session = Session(preset, rig, standin(), preset.store(), origin_samples=0)
    ticks = count()
    observer = Observer(session, lambda: watched, lambda: float(next(ticks)))
    views: list[View] = []

    def on_tick(status: Status) -> None:
        if status.bar == hold_from:
            turn("hold", True)(session)
        observer.tick(status)
        if observer.latest is not None:
            views.append(observer.latest)

    session.run(on_tick)
    return views


def test_bars_are_laid_then_settled_then_sound() -> None:
    views = seen()
    story = {
        (bar.laid, bar.settled, bar.sounding)
        for view in views
        for bar in view.players[0].bars
        if bar.bar == 5
    }
    assert story >= {(False, False, None), (True, False, None)}
    assert any(laid and settled and sounding for laid, settled, sounding in story)
    for view in views:
        for player in view.players:
            assert all(bar.settled for bar in player.bars if bar.bar <= view.bar)
    assert views[-1].players[1].sounding in ("plan", "older plan")
    assert views[-1].players[1].isr == 1.0


def test_what_is_settled_stays_so() -> None:
    decided: dict[tuple[str, int], object] = {}
    for view in seen(hold_from=5):
        for player in view.players:
            for bar in player.bars:
                if bar.settled:
                    assert decided.setdefault((player.name, bar.bar), bar.sounding) == bar.sounding
    assert decided["bass", 7] == "repeat"


def test_the_time_and_its_lines_are_the_transports() -> None:
    for view in seen(4):
        starts = dict(view.lines)
        assert starts[view.bar] <= view.position < starts[view.bar + 1]
        assert view.beat == (view.position / RATE) * 2
        assert view.bpm == 120.0


def test_the_chart_is_told_bar_by_bar_with_its_own_names() -> None:
    last = seen(4)[-1]
    told = [(each.bar, each.written) for each in last.chords]
    assert told[:3] == [(3, "F"), (4, "Am"), (5, "F")]
    assert all(each.chord == read_chord(each.written or "") for each in last.chords)


def test_nobody_watches_and_nothing_is_done(tmp_path: Path) -> None:
    assert seen(3, watched=False) == []


def test_who_tells_a_chord_goes_before_the_chart() -> None:
    harmony = Harmony(read_chart("| C . G . | F |", 4))
    harmony.send(read_chord("Am7"), 2)
    harmony.catch_up(0)
    told = list(chords(harmony, range(1, 4)))
    sent = read_chord("Am7")
    assert [(each.bar, each.chord, each.written) for each in told] == [
        (1, read_chord("F"), "F"),
        (2, sent, None),
        (3, sent, None),
    ]
    places = [each.place for each in chords(harmony, range(0, 1))]
    assert places == [0.0, float(Fraction(1, 2))]


def test_without_a_chart_only_what_is_told_is_shown() -> None:
    harmony = Harmony()
    assert list(chords(harmony, range(4))) == []
    harmony.hold([57, 60, 64])
    harmony.catch_up(2)
    held = read_chord("Am")
    assert [(each.bar, each.chord) for each in chords(harmony, range(1, 4))] == [
        (2, held),
        (3, held),
    ]


def test_a_look_that_fails_is_told_and_the_set_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise ZeroDivisionError("of something")

    monkeypatch.setattr(Observer, "_player", failing)
    told: list[str] = []
    happened = Ledger.happened
    monkeypatch.setattr(
        Ledger,
        "happened",
        lambda self, kind, text, *a, **b: (told.append(text), happened(self, kind, text, *a, **b)),
    )
    assert seen(3) == []
    assert told[0] == "the stage page stands still: ZeroDivisionError: of something"
