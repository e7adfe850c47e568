"""Controllers at a rig through JACK: each kind of control, feedback, learn, unplugged and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig.jack import Child, JackServer, RigError

pytestmark = [pytest.mark.side_by_side, pytest.mark.xdist_group("midi")]

SIDE = "tests.rig.midi_side"
LIMIT_S = 20.0
CC = 0xB0
PRESET = """players: [{name: bass}, {name: keys}]
midi:
  map:
    - {cc: 20, device: pad, parameter: guidance_audio, player: bass, takeover: pick-up}
    - {cc: 21, device: pad, parameter: steps, player: bass, relative: twos complement}
    - {cc14: 3, device: pad, parameter: temperature, player: bass}
    - {nrpn: 300, device: pad, parameter: guidance_clock, player: bass}
    - {note: 36, device: pad, parameter: hold, player: bass, feedback: true}
    - {cc: 7, device: pad, parameter: level, player: bass, feedback: true}
    - {cc: 20, device: desk, parameter: level, player: keys}
    - {cc: 9, parameter: cycle}
"""


class Rig:
    """A rig's MIDI in one process, controllers in others."""

    def __init__(self, server: JackServer, folder: Path) -> None:
        self.server, self.file = server, folder / "mine.yaml"
        self.file.write_text(PRESET)
        self.side = server.python("-m", SIDE, "rig", str(self.file))
        self.side.expect("ready")
        self.controllers: dict[str, Child] = {}

    def plug(self, name: str) -> None:
        self.controllers[name] = self.server.python("-m", SIDE, "controller", name)
        self.controllers[name].expect("ready")

    def unplug(self, name: str) -> None:
        child = self.controllers.pop(name)
        child.close_input()
        assert child.wait() == 0

    def send(self, name: str, *messages: tuple[int, ...]) -> None:
        for message in messages:
            self.controllers[name].say(" ".join(map(str, message)))

    def get(self, player: str, knob: str) -> Any:
        self.side.say(f"get {player} {knob}")
        return self.side.expect("value")

    def state(self) -> dict[str, Any]:
        self.side.say("state")
        return self.side.expect("state")

    def wait(self, what: Callable[[], Any]) -> Any:
        """The first that is true of what is looked at again and again."""
        deadline_s = time.monotonic() + LIMIT_S
        while not (found := what()):
            assert time.monotonic() < deadline_s, self.state()
            time.sleep(0.01)
        return found

    def heard(self, *devices: str) -> None:
        """Wait until these and no others are listened to."""
        wanted = {"companion:knobs", *devices}
        names = lambda: {name.replace("-01", "") for name in self.state()["devices"]}  # noqa: E731
        self.wait(lambda: names() == {*wanted})

    def turn_until(self, name: str, message: tuple[int, ...], player: str, knob: str) -> None:
        """Send until the knob is turned: the first may come before JACK has connected the two."""
        before = self.get(player, knob)
        for value in range(1, 128):
            self.send(name, (*message, value))
            time.sleep(0.02)
            if self.get(player, knob) != before:
                return
        raise AssertionError(f"{name} turned nothing: {self.state()}")

    def told(self, name: str, message: list[int]) -> None:
        """Wait until a controller is sent a message."""
        while self.controllers[name].expect("told", LIMIT_S) != message:
            pass

    def close(self) -> None:
        """Its lights go out with it."""
        self.side.say("set bass hold true")
        self.told("pad", [0x90, 36, 127])
        self.side.close_input()
        assert self.side.expect("closed") and self.side.wait() == 0
        self.told("pad", [0x90, 36, 0])
        for name in list(self.controllers):
            self.unplug(name)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with JackServer(tmp_path_factory.mktemp("midi")) as server:
        rig = Rig(server, tmp_path_factory.mktemp("preset"))
        for name in ("pad", "desk"):
            rig.plug(name)
        rig.heard("pad:out", "desk:out")
        rig.turn_until("pad", (CC, 9), "-", "cycle")
        rig.turn_until("desk", (CC, 9), "-", "cycle")
        yield rig
        rig.close()


def test_two_controllers_turn_each_its_own_knob_with_the_same_control(rig: Rig) -> None:
    rig.side.say("set keys level -20.0")
    rig.send("desk", (CC, 20, 127))
    rig.wait(lambda: rig.get("keys", "level") == 6.0)
    assert rig.get("bass", "guidance_audio") == 3.0


def test_a_knob_is_picked_up_where_it_is(rig: Rig) -> None:
    rig.send("pad", (CC, 20, 10))
    waits = rig.wait(lambda: rig.state()["waits"])
    assert list(waits.values()) == [[["bass", 3.0]]]
    assert rig.get("bass", "guidance_audio") == 3.0
    rig.send("pad", (CC, 20, 60), (CC, 20, 70), (CC, 20, 127))
    rig.wait(lambda: rig.get("bass", "guidance_audio") == 6.0)
    assert rig.state()["waits"] == {}


def test_an_encoder_without_ends_turns_from_where_the_knob_is(rig: Rig) -> None:
    rig.side.say("set bass steps 20")
    rig.send("pad", (CC, 21, 1), (CC, 21, 1), (CC, 21, 127), (CC, 21, 2))
    rig.wait(lambda: rig.get("bass", "steps") == 23)


def test_fourteen_bits_arrive_whole(rig: Rig) -> None:
    for value in (1234, 16383, 8000):
        rig.send("pad", (CC, 3, value >> 7), (CC, 35, value & 127))
    expected = 0.1 * 20 ** (8000 / 16383)
    rig.wait(lambda: rig.get("bass", "temperature") == pytest.approx(expected, rel=1e-4))


def test_a_parameter_by_number_arrives_whole(rig: Rig) -> None:
    rig.send("pad", (CC, 99, 2), (CC, 98, 44), (CC, 6, 100), (CC, 38, 3))
    expected = (100 * 128 + 3) / 16383 * 6
    rig.wait(lambda: rig.get("bass", "guidance_clock") == pytest.approx(expected, abs=1e-3))


def test_a_pad_lights_up_and_a_fader_follows_what_others_turn(rig: Rig) -> None:
    rig.send("pad", (0x90, 36, 100), (0x80, 36, 0))
    rig.wait(lambda: rig.get("bass", "hold"))
    rig.told("pad", [0x90, 36, 127])
    rig.side.say("set bass hold false")
    rig.told("pad", [0x90, 36, 0])
    rig.side.say("set bass level -60.0")
    rig.told("pad", [CC, 7, 0])
    rig.send("pad", (CC, 7, 100), (CC, 7, 127))
    rig.wait(lambda: rig.get("bass", "level") == 6.0)
    with pytest.raises(RigError):  # a fader is not answered with what it said itself
        rig.controllers["pad"].expect("told", 0.8)


def test_a_control_is_learnt_turns_its_knob_and_is_in_the_file(rig: Rig) -> None:
    for line in ("enter", "choose keys randomness"):
        rig.side.say(line)
    rig.wait(lambda: rig.state()["on"])
    rig.send("desk", (CC, 74, 50))
    text = rig.wait(lambda: rig.state()["mapped"].get("keys randomness"))
    assert text.startswith("CC 74, channel 1, desk")
    assert rig.get("keys", "randomness") == 1.0
    time.sleep(0.7)  # that movement is over
    rig.send("desk", (CC, 74, 0))
    rig.wait(lambda: rig.get("keys", "randomness") == 0.0)
    rig.side.say("leave")
    rig.wait(lambda: "cc: 74" in rig.file.read_text())


def test_a_controller_that_is_unplugged_comes_back_and_is_told_everything(rig: Rig) -> None:
    rig.unplug("pad")
    rig.heard("desk:out")
    rig.side.say("set bass level -60.0")
    rig.plug("pad")
    rig.heard("pad:out", "desk:out")
    rig.told("pad", [CC, 7, 0])
    rig.turn_until("pad", (CC, 9), "-", "cycle")
    rig.turn_until("desk", (CC, 9), "-", "cycle")


def test_all_is_open_again_after_the_server_has_died(tmp_path: Path) -> None:
    with JackServer(tmp_path) as server:
        rig = Rig(server, tmp_path)
        rig.plug("pad")
        rig.heard("pad:out")
        rig.turn_until("pad", (CC, 9), "-", "cycle")
        server.kill()
        rig.controllers.pop("pad").end()
        time.sleep(1.0)
        server.start()
        rig.plug("pad")
        rig.told("pad", [CC, 7, 115])
        rig.turn_until("pad", (CC, 9), "-", "cycle")
        direct = server.python("-m", "tests.rig.control_side", "send", "companion:knobs")
        direct.expect("connected")
        rig.controllers["direct"] = direct
        rig.turn_until("direct", (CC, 9), "-", "cycle")
        rig.close()
