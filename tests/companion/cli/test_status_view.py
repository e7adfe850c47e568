"""What went wrong is whole on the screen, however narrow and low it is."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.text import Text

from companion.cli.status_view import StatusView
from companion.session.trouble import KINDS, Kind, Trouble
from companion.system.printing import printable

STATUS = " | ".join(["bar 12/32", "cycle 4 broken", *(f"player{n}: plan 22 steps" for n in "123")])


def shown(troubles: list[Trouble], width: int, height: int) -> list[str]:
    """The lines that a terminal would get."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, height=height, force_terminal=True, color_system=None,
        highlight=False, markup=False, emoji=False, soft_wrap=True,
    )  # fmt: skip
    live = Live(console=console, auto_refresh=False)
    live.update(StatusView(Text(STATUS), tuple(troubles)))
    with console.capture() as captured:
        console.print(live.get_renderable(), soft_wrap=True)
    return captured.get().splitlines()


def trouble(kind: Kind, text: str) -> Trouble:
    return Trouble(kind, text, 0.0, 0.0, False)


TROUBLES = st.lists(
    st.builds(trouble, st.sampled_from(KINDS), st.text(max_size=300)), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(TROUBLES, st.integers(20, 200), st.integers(5, 50))
def test_the_gravest_trouble_is_whole_at_any_width(
    troubles: list[Trouble], width: int, height: int
) -> None:
    lines = shown(troubles, width, height)
    assert all(cell_len(line) <= width for line in lines)
    whole = "".join("".join(lines).split())
    assert whole.startswith("".join(f"! {printable(troubles[0].text)}".split()))


def test_others_are_there_as_far_as_there_is_room_and_the_rest_is_counted() -> None:
    troubles = [trouble("late", f"trouble number {n}") for n in range(9)]
    assert shown(troubles, 80, 20)[:9] == [f"! trouble number {n}" for n in range(9)]
    assert shown(troubles, 80, 8)[:5] == [
        *(f"! trouble number {n}" for n in range(4)),
        "! 5 more",
    ]
    assert shown(troubles, 80, 2)[:2] == ["! trouble number 0", "! 8 more"]


def test_the_status_line_is_wrapped_below() -> None:
    lines = shown([trouble("device", "'system' is gone")], 40, 20)
    assert lines[0] == "! 'system' is gone"
    assert " ".join(lines[1:]).split() == STATUS.split()
    assert shown([], 200, 20) == [STATUS]
