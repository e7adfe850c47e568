"""All that may go wrong in a set: how grave it is, how it is said, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from companion.session.trouble import KINDS, SEVERITIES, Kind
from guide.markdown import plain
from guide.wording import said_in

GRAVE = {
    3: "sound or the take is lost",
    2: "a part of the rig does not work",
    1: "small",
    0: "news",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What there is to say of a kind of trouble."""

    title: str
    do: str  # Markdown
    worded: tuple[tuple[str, str], ...]  # files and functions that its lines are from


ADVICE: Mapping[Kind, Advice] = {
    "recording": Advice(
        "The take",
        "The music goes on; what was recorded until then is kept, and opens in any program. "
        "Make room, or play with `--takes` into a folder on another disk, from the next set on.",
        (
            ("companion/take/recorder.py", "finish"),
            ("companion/take/recorder.py", "_written"),
            ("companion/take/event_log.py", "_append"),
            ("companion/take/event_log.py", "close"),
        ),
    ),
    "device": Advice(
        "The sound device",
        "Connect it again: the players repeat their last cycle meanwhile, and everything fades in "
        "where it would have been. If you named no device and it stays away for 10 s, the "
        "system's own is taken.",
        (
            ("companion/device/supervisor.py", "_lose"),
            ("companion/device/supervisor.py", "_wait_until"),
        ),
    ),
    "clock": Advice(
        "Who leads",
        "Start the clock of the other program or machine again, or turn the knob `clock` to "
        "`internal`: [who leads the tempo](clock.md).",
        (
            ("companion/session/lead_watch.py", "_line"),
            ("companion/session/conductor.py", "_choose"),
        ),
    ),
    "generator": Advice(
        "The generator",
        "It is started again by itself, within seconds; the players repeat their last bars. Where "
        "it happens again and again the machine has too little memory: fewer players, or a "
        "smaller band. `companion doctor` says what it carries.",
        (
            ("companion/generate/worker.py", "_open"),
            ("companion/generate/worker.py", "_on_heard"),
            ("companion/generate/worker.py", "_count"),
            ("companion/generate/worker.py", "_check_time"),
            ("companion/generate/wire.py", "_read"),
        ),
    ),
    "midi": Advice(
        "MIDI",
        "Plug it in again: it is found by its name. What could not be kept of MIDI learn is played "
        "all the same, until the set ends.",
        (
            ("companion/session/jam.py", "_gone"),
            ("companion/control/learn.py", "moved"),
        ),
    ),
    "osc": Advice(
        "OSC out",
        "The network is gone, or the machine that is sent to. Each message tries again.",
        (("companion/control/osc_out.py", "trouble"),),
    ),
    "late": Advice(
        "A stem that came too late",
        "The last good bars were played in its place. Once is nothing; where it goes on, see "
        "[it repeats itself](trouble.md#it-repeats-itself-or-plays-too-little).",
        (("companion/players/timeline.py", "place"),),
    ),
    "blocks": Advice(
        "Lost blocks of sound",
        "The sound system was late, which may be heard as a click. See "
        "[it crackles](trouble.md#it-crackles-or-drops-out).",
        (("companion/session/session.py", "_count_xruns"),),
    ),
    "message": Advice(
        "A message that made no sense",
        "From MIDI, OSC or the stage page, and it turned nothing. The line says what would be "
        "valid; over OSC the sender is told the same at `/companion/error`.",
        (
            ("companion/control/store.py", "_put"),
            ("companion/control/osc.py", "receive_packet"),
            ("companion/control/osc.py", "_take_in"),
            ("companion/control/osc.py", "_receive_one"),
        ),
    ),
    "news": Advice(
        "News",
        "Nothing is wrong: something went right again.",
        (
            ("companion/session/lead_watch.py", "moved"),
            ("companion/session/outage.py", "tick"),
        ),
    ),
}
"""By kind; every kind has one."""


def troubles() -> str:
    """A section for each kind, the gravest first."""
    return "\n".join(_section(kind) for kind in KINDS)


def lines_of(kind: Kind) -> list[str]:
    """How trouble of a kind is worded, with gaps."""
    return [text for file, function in ADVICE[kind].worded for text in said_in(file, function)]


def _section(kind: Kind) -> str:
    advice, grave = ADVICE[kind], SEVERITIES[kind]
    said = [f"- {plain(line)}" for line in lines_of(kind)]
    about = f"*{grave}: {GRAVE[grave]}.* {advice.do}"
    return "\n".join([f"### {advice.title}", "", about, "", *said, ""])
