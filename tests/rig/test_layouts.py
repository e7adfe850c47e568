"""Pure Data plays in a set through the patch that `companion layouts` writes: both ways."""

from __future__ import annotations

import re
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from companion.control.osc import OscServer
from companion.control.osc_out import OscSender
from companion.control.preset import OscPreset
from companion.layouts.layouts import write_layouts
from companion.session.rig import run_recording
from companion.session.session import Session
from tests.companion.studio import RATE, music, solo, standin
from tests.rig.test_osc_out import free_port, listening

pytestmark = pytest.mark.side_by_side
LIMIT_S = 30.0
BARS = 6
PROBES = ("bar", "beat", "bass.steps", "bass.instrument", "bass.mute", "bass.meter", "metrics.isr")
MOVES = ("bass.steps 1", "bass.instrument 3", "bass.mute 1", "cycle 0", "bass.regenerate bang")


def probe() -> str:
    """A patch that prints what the other gives on."""
    lines = ["#N canvas 0 0 400 400 12;"]
    for name in PROBES:
        lines += [f"#X obj 20 20 r companion.{name}.told;", f"#X obj 20 50 print {name};"]
    lines += [f"#X connect {2 * each} 0 {2 * each + 1} 0;" for each in range(len(PROBES))]
    return "\n".join(lines) + "\n"


def test_pure_data_drives_and_reads_a_set_through_its_patch(tmp_path: Path) -> None:
    port = free_port()
    preset = replace(solo(bars=BARS), osc=OscPreset(port=port))
    write_layouts(preset, tmp_path / "layouts")
    (tmp_path / "probe.pd").write_text(probe())
    patches = [tmp_path / "layouts" / "companion.pd", tmp_path / "probe.pd"]
    words = ["pd", "-nogui", "-noaudio", "-nomidi", "-stderr"]
    words += [word for patch in patches for word in ("-open", str(patch))]
    words += [word for move in MOVES for word in ("-send", f"companion.{move}")]
    store = preset.store()
    with closing(OscServer(store, preset.osc or OscPreset())) as server:
        ears = (server.subscribers, server.latest)
        with (
            closing(OscSender((), server.places, ears)) as sender,
            listening(words, tmp_path / "pd.txt") as heard,
        ):
            until(lambda: server.accepted >= 1 + len(MOVES))  # it has subscribed as well
            bass = store.snapshot("bass")
            assert (bass["steps"], bass["instrument"], bass["mute"]) == (64, "guitar", True)
            assert store.snapshot()["cycle"] == 1
            assert store.take_trigger("bass", "regenerate")
            rig = run_recording(1, music(BARS), RATE, "signal")
            Session(preset, rig, standin(), store, None, 0, 0, osc=sender).run()
            until(lambda: f"bar: {BARS}" in heard())
            sender.send([("/companion/bass/mute", (0,))])
            until(lambda: heard().count("bass.mute: 0") >= 2)
            text = heard()
    assert server.rejected == 0 and server.subscribers.dropped == 0
    assert re.findall(r"^bar: (\d+)$", text, re.M) == [str(bar) for bar in range(1, BARS + 1)]
    assert "beat: 1 5 120" in text
    assert re.search(r"^bass.instrument: symbol bass$", text, re.M)  # as it was when it came
    assert "bass.meter: " in text and "metrics.isr: 1" in text


def until(is_so: object) -> None:
    give_up_s = time.monotonic() + LIMIT_S
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < give_up_s
        time.sleep(0.01)
