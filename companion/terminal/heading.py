"""The top of the view: the chords, who leads at what tempo, and how the set goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.text import Text

from companion.terminal.ink import FAINT, GRAVE, INK, LINE, NOW, SOFT, WARN, beside, cell
from companion.terminal.told import Told

NEXT_CHORDS = 3
LEAST_ISR = 0.9
"""Below that it is told apart."""


def place(told: Told) -> tuple[int, int, float]:
    """Bar (of this session, from 0), beat in it (from 0), and how far into the beat (0..1)."""
    beats, beat = told.opening["beats"], told.moving["beat"]
    bar, of_bar = divmod(beat, beats)
    return int(bar), int(of_bar), beat % 1


def count(told: Told) -> str:
    """Bar and beat, to be written big."""
    bar, beat, _ = place(told)
    before = told.parts["place"]["before"]
    return f"{'-' if bar < 0 else bar + 1 + before}:{beat + 1}"


def heading(told: Told, width: int) -> Text:
    """Three lines beside the big numbers."""
    return Text("\n").join(
        beside(left, right, width)
        for left, right in (
            (_bars(told), _tempo(told)),
            (_chords(told), _vitals(told)),
            (_pips(told), _state(told, width - 2 * told.opening["beats"] - 2)),
        )
    )


def _bars(told: Told) -> Text:
    here = told.parts["place"]
    what = "count-in" if place(told)[0] < 0 else "bar"
    of = "" if here["bars"] is None else f" of {here['bars'] + here['before']}"
    song = "" if here["song"] is None else f", song {here['song'] + 1}"
    return Text(f"{what}{of}{song}, {told.opening['meter']}", SOFT)


def _tempo(told: Told) -> Text:
    clock = told.parts["clock"]
    leads = clock["name"] if clock["running"] else f"{clock['name']} stopped"
    sure = f" {clock['sure']:.0%} sure" if clock["name"] == "follow" else ""
    return Text.assemble(
        (f"{told.moving['bpm']:.1f} BPM", INK),
        (f" {leads}{sure}", SOFT if clock["running"] else WARN),
        ("  cycle ", FAINT),
        (f"{told.value(None, 'cycle')}", INK),
        ("" if clock["holds"] else " broken", WARN),
    )


def chords(told: Told) -> tuple[str, list[str]]:
    """The chord that sounds, and those that are next, without repeats; empty where none is told."""
    bar, beat, phase = place(told)
    now = bar + (beat + phase) / told.opening["beats"]
    told_of = told.parts["chords"]
    begun = [name for at, of_bar, name in told_of if at + of_bar <= now + 1e-6]
    current = begun[-1] if begun else "–"
    following: list[str] = []
    for _, _, name in told_of[len(begun) :]:
        if name != (following[-1] if following else current):
            following.append(name)
    return (current if told_of else ""), following[:NEXT_CHORDS]


def _chords(told: Told) -> Text:
    current, following = chords(told)
    if not current:
        return Text("no chart: it listens", FAINT)
    after = "  ".join(following)
    return Text.assemble((current, f"bold {NOW}"), (f"  next {after}" if after else "", SOFT))


def least(numbers: Iterable[float | None]) -> float | None:
    """The least of those that are known."""
    return min((number for number in numbers if number is not None), default=None)


def _vitals(told: Told) -> Text:
    players: list[dict[str, Any]] = told.parts["players"]
    slack = least(each["slack"] for each in players)
    isr = least(each["isr"] for each in players)
    xruns = told.parts["clock"]["xruns"]
    return Text.assemble(
        ("slack ", FAINT),
        seconds(slack),
        ("  ISR ", FAINT),
        share(isr),
        (f"  {xruns} blocks lost" if xruns else "", WARN),
    )


def seconds(slack: float | None) -> tuple[str, str]:
    """A slack and its colour."""
    if slack is None:
        return "–", FAINT
    return f"{slack:.1f} s".replace("-", "−"), GRAVE if slack < 0 else INK


def share(isr: float | None) -> tuple[str, str]:
    """An ISR and its colour."""
    return ("–", FAINT) if isr is None else (f"{isr:.0%}", INK if isr >= LEAST_ISR else WARN)


def _pips(told: Told) -> Text:
    beat = place(told)[1]
    pips = (("●" if at == beat else "○", NOW if at == beat else LINE) for at in _beats(told))
    return Text(" ").join(Text(*pip) for pip in pips)


def _beats(told: Told) -> range:
    return range(told.opening["beats"])


def _state(told: Told, room: int) -> Text:
    presets = told.parts["presets"] or [told.opening["preset"]]
    coming = told.parts.get("coming")
    name = f"{presets[0]} → {coming}" if coming else presets[0]
    flags = [
        word for word, on in (("LOCKED", told.value(None, "lock")), ("LEARN", told.learning)) if on
    ]
    marks = "".join(f"  {flag}" for flag in flags)
    shown = cell(name, max(4, min(len(name), room - len(marks) - 8)))
    return Text.assemble(("preset ", FAINT), (shown, INK), (marks, f"bold {NOW}"))
