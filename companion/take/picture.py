"""The picture of a take: what was played, what sounded, and when each plan was ready.

One row for the input and one for each player, coloured bar by bar by what sounded; under a
player's row, its plans (a dot where one became ready, a line to the bar it was made for); at the
bottom, the knobs that were moved.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from companion.system.errors import CompanionError, disk_message
from companion.system.printing import printable
from companion.take import events as log
from companion.take.recorder import INPUT_NAME
from companion.take.tempo_map import TempoMap, tempo_map
from companion.take.wave_file import length_s, open_recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE_FILE = "take.png"

_INK = "#333333"
_INPUT_COLOUR = "#555555"
_LATE_COLOUR = "#c0392b"
_SLACK_COLOUR = "#3a7d44"
_COLOURS: dict[log.Sounding, str] = {  # told apart by most colour-blind eyes
    "plan": "#0072b2",
    "older plan": "#e69f00",
    "repeat": "#cc79a7",
    "silence": "#999999",
}
_PLAN_LEVELS = 4  # lines of plans made one after another do not cover each other
_DPI = 110
_FONTS = (  # the first comes with matplotlib; of the others those that are installed
    "DejaVu Sans",
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans", "WenQuanYi Zen Hei", "IPAGothic"),
    *("Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Arial Unicode MS"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Segoe UI Symbol"),
)
"""Fonts to look for a letter in, in this order."""


@contextmanager
def _names_as_they_are() -> Iterator[None]:
    """Meanwhile names are drawn as text and not as formulas, as far as there are letters for them.

    What no font here has is drawn as an empty box.
    """
    from matplotlib import font_manager, rc_context

    fonts = set(font_manager.get_font_names())
    families = [name for name in _FONTS if name in fonts]
    with rc_context({"text.parse_math": False, "font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        yield


@_names_as_they_are()
def draw_take(folder: Path) -> Path:
    """Draw a take folder into its `take.png`, and return that path.

    CompanionError if the folder holds no take, or the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    events = log.read_events(folder / log.EVENTS_FILE)
    if (take := log.start_of(events)) is None:
        raise CompanionError(
            f"{str(folder / log.EVENTS_FILE)!r} does not start with a take event; "
            "valid: a take folder"
        )
    end_s = max(take.first_bar_s, take.bar_s, length_s(folder / f"{INPUT_NAME}.wav"))
    tempo = tempo_map(take, events)
    bars = tempo.bars(end_s)
    knobs = _knob_rows(events)

    width = min(26.0, max(12.0, 0.36 * len(bars)))
    columns = round(width * _DPI)
    heights = [1.0] + [1.0, 0.45] * len(take.players)
    heights += [0.17 * len(knobs) + 0.1] if knobs else []
    figure = Figure(figsize=(width, 1.1 + 1.15 * sum(heights)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    _draw_wave(rows[0], INPUT_NAME, _envelope(folder / f"{INPUT_NAME}.wav", columns), tempo, [])
    for number, player in enumerate(take.players):
        mine = [each for each in events if getattr(each, "player", None) == player]
        sounded = [event for event in mine if isinstance(event, log.BarSounded)]
        envelope = _envelope(folder / f"{player}.wav", columns)
        _draw_wave(rows[1 + 2 * number], player, envelope, tempo, sounded)
        _draw_plans(rows[2 + 2 * number], mine, tempo)
    if knobs:
        _draw_knobs(rows[-1], knobs)
    for axes in rows:
        _draw_bar_lines(axes, tempo, bars, numbers=axes is rows[0])
        axes.tick_params(bottom=axes is rows[-1])
    rows[-1].set_xlim(0.0, end_s)
    rows[-1].set_xlabel("seconds into the take", fontsize=9)
    title = f"{folder.resolve().name}   {take.preset}, {take.bpm:g} BPM"
    figure.suptitle(printable(title), fontsize=11)
    _draw_legend(figure)
    path = folder / PICTURE_FILE
    try:
        figure.savefig(path)
    except OSError as error:
        raise CompanionError(disk_message(path, error)) from error
    return path


def _envelope(path: Path, columns: int) -> np.ndarray:
    """Of at most `columns` stretches of a mono file: middle (s), lowest and highest sample, [3, n].

    It is read piece by piece.
    """
    with open_recorded(path) as file:
        stretch = max(1, -(-file.frames // columns))
        blocks = file.blocks(stretch, dtype="float32", always_2d=True)
        found = np.array([(0.0, block.min(), block.max()) for block in blocks]).reshape(-1, 3).T
        found[0] = (np.arange(found.shape[1]) + 0.5) * stretch / file.samplerate
    return found


def _draw_wave(
    axes: Axes, name: str, envelope: np.ndarray, tempo: TempoMap, sounded: list[log.BarSounded]
) -> None:
    """One row of audio, scaled to its own peak; each bar in the colour of what sounded."""
    times_s, low, high = envelope
    loudest = max(high.max(initial=0.0), -low.min(initial=0.0))
    low, high = low / max(loudest, 1e-6), high / max(loudest, 1e-6)
    alpha = 0.35 if sounded else 1
    axes.fill_between(times_s, low, high, color=_INPUT_COLOUR, alpha=alpha, linewidth=0)
    for event in sounded:
        colour = _COLOURS[event.sounding]
        start_s, stop_s = tempo.bar_s(event.bar), tempo.bar_s(event.bar + 1)
        here = (times_s >= start_s) & (times_s < stop_s)
        axes.axvspan(start_s, stop_s, color=colour, alpha=0.12, linewidth=0)
        axes.fill_between(times_s[here], low[here], high[here], color=colour, linewidth=0)
    peak = f"peak {20 * np.log10(loudest):.1f} dBFS" if loudest > 1e-5 else "silent"
    _label(axes, f"{name}\n{peak}", 9, (-1.05, 1.05))


def _label(axes: Axes, text: str, size: int, limits: tuple[float, float]) -> None:
    axes.set_ylabel(text, fontsize=size, rotation=0, ha="right", va="center")
    axes.set_ylim(*limits)
    axes.set_yticks([])


def _draw_plans(axes: Axes, events: Sequence[log.Event], tempo: TempoMap) -> None:
    """A line from where each plan was ready to the bar it was made for; a cross where none came."""
    plans = [event for event in events if isinstance(event, log.PlanMade)]
    for number, plan in enumerate(plans):
        level = -(number % _PLAN_LEVELS)
        colour = _SLACK_COLOUR if plan.slack_s >= 0 else _LATE_COLOUR
        ready_s, target_s = plan.actual_s, tempo.bar_s(plan.first_bar)
        axes.plot([ready_s, target_s], [level, level], color=colour, linewidth=1.2)
        axes.plot([ready_s], [level], "o", color=colour, markersize=4)
        axes.plot([target_s], [level], "|", color=colour, markersize=8, markeredgewidth=1.8)
    for failed in (event for event in events if isinstance(event, log.PlanFailed)):
        axes.plot([failed.time_s], [-1.5], "x", color=_LATE_COLOUR, markersize=7)
    _label(axes, "plans", 8, (-_PLAN_LEVELS + 0.3, 0.7))


def _knob_rows(events: Sequence[log.Event]) -> dict[str, list[tuple[float, Any]]]:
    """Knob (and its player) to the times and values it was set to."""
    rows: dict[str, list[tuple[float, Any]]] = {}
    for event in events:
        if isinstance(event, log.KnobMoved):
            label = event.name if event.player is None else f"{event.player} {event.name}"
            rows.setdefault(label, []).append((event.time_s, event.value))
    return rows


def _draw_knobs(axes: Axes, knobs: dict[str, list[tuple[float, Any]]]) -> None:
    """One line a knob, a mark a move; the value is written where the knob came to rest."""
    for row, moves in enumerate(knobs.values()):
        times_s = [time_s for time_s, _ in moves]
        axes.plot(times_s, [-row] * len(moves), "d", color=_INK, markersize=4)
        for number, (time_s, value) in enumerate(moves):
            if number + 1 == len(moves) or moves[number + 1][0] - time_s > 2.0:
                text = _value_text(value)
                _note(axes, text, (time_s, -row), (5, 0), va="center")
    axes.set_yticks([-row for row in range(len(knobs))], list(knobs), fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(knobs) + 0.4, 0.6)


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _draw_bar_lines(axes: Axes, tempo: TempoMap, bars: range, numbers: bool) -> None:
    """A line at every bar; where `numbers`, the bar's number above those that there is room for."""
    step = 1 if len(bars) <= 40 else 4 if len(bars) <= 160 else 16
    for bar in bars:
        at_s, alpha = tempo.bar_s(bar), 0.2 if bar % 4 else 0.5
        axes.axvline(at_s, color=_INK, alpha=alpha, linewidth=0.8, zorder=0)
        if numbers and bar % step == 0:
            above = {"xycoords": ("data", "axes fraction"), "annotation_clip": True}
            _note(axes, str(bar), (at_s, 1.0), (2, 2), **above)
    if numbers:
        _note(axes, "bar", (0, 1), (-6, 2), xycoords="axes fraction", ha="right")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _note(
    axes: Axes, text: str, at: tuple[float, float], beside: tuple[float, float], **how: Any
) -> None:
    """A small text, so many points beside a place."""
    axes.annotate(text, at, beside, textcoords="offset points", fontsize=8, **how)


def _draw_legend(figure: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks: list[Any] = [Patch(color=_COLOURS[kind], label=kind) for kind in get_args(log.Sounding)]
    for colour, label in ((_SLACK_COLOUR, "ready → its bar"), (_LATE_COLOUR, "late → its bar")):
        marks.append(Line2D([], [], color=colour, marker="o", markersize=4, label=label))
    marks.append(
        Line2D([], [], color=_LATE_COLOUR, marker="x", linestyle="none", label="plan failed")
    )
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), fontsize=8)
