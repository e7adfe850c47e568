"""OSCQuery from outside: who knows the protocol alone finds, sets and hears every knob."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_message_builder import build_msg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from zeroconf import ServiceBrowser, ServiceStateChange, Zeroconf

from companion.control.osc import OscServer
from companion.control.osc_announcement import SERVICES
from companion.control.osc_out import OscSender
from companion.control.osc_packet import read_packet
from companion.control.osc_peers import Peers
from companion.control.osc_query import OscTree
from companion.control.osc_query_server import (
    MOST_CLIENTS,
    MOST_COMMAND_BYTES,
    QueryServer,
)
from companion.control.osc_tree import places
from companion.control.parameters import PARAMETERS
from companion.control.preset import OscPreset, parse_preset
from companion.listen.harmony import Harmony
from companion.session.osc_presets import add_presets
from companion.session.set_list import SetList
from companion.session.trouble import Trouble
from companion.system.errors import CompanionError
from tests.companion.session import test_osc_feed as feed

LIMIT_S = 20.0


class Rig(feed.World):
    """OSC in and out, OSCQuery, and the session's thread, whose ticks the test makes."""

    def __init__(self) -> None:
        super().__init__()
        self.osc = OscServer(self.store, OscPreset(port=0))
        tree = OscTree(self.store, self.osc.latest, self.osc.port)
        self.query = QueryServer(tree, "127.0.0.1", 0, Peers())
        sender = OscSender((), (), (self.osc.subscribers, self.osc.latest, self.query))
        self.feed._send, self.feed._send_more = sender.send, sender.send_more
        self.now = 0

    def tick(self) -> None:
        for change in self.store.drain():
            self.feed.turned(change)
        self.now += 320
        self.feed.tick(self.now)

    def close(self) -> None:
        self.query.close()
        self.query.close()
        self.osc.close()


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def get(rig: Rig, path: str, **headers: str) -> Any:
    request = urllib.request.Request(f"{rig.query.address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        return json.loads(answer.read() or "null")


def status(rig: Rig, path: str, **headers: str) -> int:
    request = urllib.request.Request(f"{rig.query.address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def methods(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a tree that has a type."""
    if "TYPE" in node:
        yield node
    for each in node.get("CONTENTS", {}).values():
        yield from methods(each)


def opened(address: str, origin: str | None = None) -> ClientConnection:
    """A WebSocket."""
    return ExitStack().enter_context(connect(address, origin=origin, close_timeout=1))  # type: ignore


class Stranger:
    """Knows nothing but the proposal: whatever it does, it has read in the tree."""

    def __init__(self, http: str) -> None:
        host, _, port = http.removeprefix("http://").partition(":")
        with urllib.request.urlopen(f"{http}/?HOST_INFO", timeout=LIMIT_S) as answer:
            info = json.loads(answer.read())
        with urllib.request.urlopen(http, timeout=LIMIT_S) as answer:
            self.tree = json.loads(answer.read())
        self._to = (info.get("OSC_IP", host), info["OSC_PORT"])
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        assert info["EXTENSIONS"]["LISTEN"]
        self.socket = opened(f"ws://{host}:{info.get('WS_PORT', port)}")

    def say(self, command: str, address: str) -> None:
        self.socket.send(json.dumps({"COMMAND": command, "DATA": address}))

    def another_value(self, node: dict[str, Any]) -> Any:
        (value,), (span,) = node["VALUE"], node.get("RANGE", [{}])
        if node["TYPE"] in ("T", "F"):
            return not value
        if "VALS" in span:
            return next(each for each in span["VALS"] if each != value)
        return span["MIN"] if value != span["MIN"] else span["MAX"]

    def send(self, address: str, *values: Any) -> None:
        self._udp.sendto(build_msg(address, list(values)).dgram, self._to)

    def close(self) -> None:
        self.socket.close()
        self._udp.close()


def test_a_stranger_sets_every_knob_and_hears_every_change(rig: Rig) -> None:
    with closing(Stranger(rig.query.address)) as client:
        both = [each for each in methods(client.tree) if each["ACCESS"] == 3]
        both = [each for each in both if each["FULL_PATH"] not in NO_KNOBS]
        found = {node["FULL_PATH"] for node in both}
        for knob in PARAMETERS:
            for player in (None,) if knob.scope == "rig" else ("bass", "drums"):
                if knob.kind != "trigger":
                    assert {knob.address(player), f"{knob.address(player)}/normalised"} <= found
        for node in both:
            client.say("LISTEN", node["FULL_PATH"])
        client.say("LISTEN", "/companion/bar")
        until_heard(rig, client, "/companion/bar", lambda: rig.feed._send([BAR]))
        for node in both:
            path = node["FULL_PATH"]
            exact = {"abs": 1e-2 if path.endswith("/normalised") else 1e-5}
            node |= get(rig, f"{path}?VALUE")  # its twin has moved it
            wanted = client.another_value(node)
            client.send(path, wanted)
            heard = until_heard(rig, client, path, rig.tick, pytest.approx(wanted, **exact))
            assert isinstance(heard, float) or type(heard) is type(wanted)
            assert get(rig, f"{path}?VALUE")["VALUE"] == [pytest.approx(wanted, **exact)]
        for node in methods(client.tree):
            if node["TYPE"] == "I":
                client.send(node["FULL_PATH"])
        give_up_s = time.monotonic() + LIMIT_S
        while not rig.store.take_trigger("drums", "regenerate"):
            assert time.monotonic() < give_up_s
            time.sleep(0.001)


NO_KNOBS = ("/companion/preset", "/companion/learn")
BAR = ("/companion/bar", (7,))


def test_which_preset_plays_and_whether_it_learns_are_told_and_taken(rig: Rig) -> None:
    players = "players: [{name: bass}, {name: drums}]"
    presets = [parse_preset(players, f"{name}.yaml") for name in ("verse", "chorus")]
    set_list = SetList(presets, rig.store, Harmony())
    add_presets(rig.osc, set_list)
    rig.feed.preset(set_list.current)
    rig.feed._send_more([("/companion/learn", (True,))], None)
    rig.tick()
    told = {path: get(rig, path) for path in NO_KNOBS}
    assert [(each["ACCESS"], each["VALUE"]) for each in told.values()] == [
        (3, ["verse"]),
        (3, [True]),
    ]
    rig.osc.receive("/companion/preset", "chorus")
    set_list.tick(0)
    rig.feed.preset(set_list.tick(1))
    rig.tick()
    assert get(rig, "/companion/preset?VALUE") == {"VALUE": ["chorus"]}


def until_heard(
    rig: Rig, client: Stranger, address: str, act: Callable[[], object], wanted: Any = None
) -> Any:
    """The value that comes at an address over WebSocket, that one if one is wanted.

    Something is done again and again meanwhile.
    """
    give_up_s, last = time.monotonic() + LIMIT_S, None
    while time.monotonic() < give_up_s:
        act()
        for heard, (value, *_) in received(client):
            if heard == address:
                last = value
                if wanted is None or value == wanted:
                    return value
    raise AssertionError(f"{address} was never told {wanted}; last {last}")


def received(client: Stranger) -> list[Any]:
    """What has come by now."""
    try:
        return read_packet(bytes(client.socket.recv(timeout=0.01)))  # type: ignore[arg-type]
    except TimeoutError:
        return []


def test_whatever_is_told_is_in_the_tree_with_its_types() -> None:
    world = feed.World()
    told: list[tuple[str, Any]] = []
    world.feed._send = told.extend
    world.feed._send_more = lambda messages, _: told.extend(messages)
    world.feed.start()
    world.play(0, 5 * feed.BEAT)
    world.feed.trouble(Trouble("news", "back", 0.0, 0.0, False, 1, ""))
    world.feed.tick(6 * feed.BEAT)
    tree = {each.address: each for each in places(world.store.players)}
    kinds = {"f": float, "i": int, "s": str, "T": bool}
    for address, arguments in told:
        types = [kinds[each] for each in tree[address].types]
        assert [type(each) for each in arguments] == types, address
    news = {each.address for each in tree.values() if each.access == "told"}
    assert news - dict(told).keys() == {
        *("/companion/error", "/companion/pong", "/companion/learn/mapping"),
        *(f"/companion/drums/metrics/{name}" for name in ("slack", "staleness", "isr", "steps")),
    }


def test_a_node_says_what_it_takes(rig: Rig) -> None:
    level = get(rig, "/companion/bass/level")
    assert level == {
        "FULL_PATH": "/companion/bass/level",
        "ACCESS": 3,
        "TYPE": "f",
        "DESCRIPTION": "Loudness of the player; -60 is off.",
        "RANGE": [{"MIN": -60.0, "MAX": 6.0}],
        "CLIPMODE": ["both"],
        "UNIT": ["gain.db"],
        "VALUE": [rig.store.snapshot("bass")["level"]],
        "CONTENTS": level["CONTENTS"],
    }
    assert level["CONTENTS"]["normalised"]["RANGE"] == [{"MIN": 0.0, "MAX": 1.0}]
    take = get(rig, "/companion/bass/take")
    assert (take["TYPE"], take["RANGE"]) == ("s", [{"VALS": ["off", "a", "b"]}])
    assert get(rig, "/companion/cycle?RANGE") == {"RANGE": [{"MIN": 1, "MAX": 16}]}
    assert get(rig, "/companion/bass/hold?TYPE") == {"TYPE": "T"}
    assert get(rig, "/companion/tap?ACCESS") == {"ACCESS": 2}
    assert get(rig, "/companion/meter/in?ACCESS") == {"ACCESS": 1}
    assert get(rig, "/companion?ACCESS") == {"ACCESS": 0}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", 200),
        ("/companion/", 200),
        ("/companion/bass/level", 200),
        ("/companion/keys/level", 404),
        ("/companion/bass/lev", 404),
        ("/companion/tap?VALUE", 204),
        ("/companion/bass?TYPE", 204),
        ("/companion/bass/level?COLOUR", 400),
    ],
)
def test_a_request_is_answered_with_the_status_of_the_proposal(
    rig: Rig, path: str, expected: int
) -> None:
    assert status(rig, path) == expected


def test_what_is_ignored_again_is_told_no_more(rig: Rig) -> None:
    with closing(Stranger(rig.query.address)) as client:
        bar, beat = ("/companion/bar", (1,)), ("/companion/beat", (1, 1, 120.0))
        client.say("LISTEN", "/companion/bar")
        until_heard(rig, client, "/companion/bar", lambda: rig.query.tell([bar]))
        client.say("IGNORE", "/companion/bar")
        client.say("LISTEN", "/companion/beat")
        until_heard(rig, client, "/companion/beat", lambda: rig.query.tell([beat]))
        rig.query.tell([bar])
        until_heard(rig, client, "/companion/beat", lambda: rig.query.tell([beat]))
        assert "/companion/bar" not in [a for _ in range(5) for a, _ in received(client)]


@pytest.mark.parametrize(
    "said", ["", "junk", "[" * 3000, "[1]", '{"COMMAND": "LISTEN"}', '{"COMMAND": 1, "DATA": []}']
)
def test_what_is_no_command_is_left_alone(rig: Rig, said: str) -> None:
    with closing(Stranger(rig.query.address)) as client:
        client.socket.send(said)
        client.socket.send(b"\0\1\2")
        client.say("LISTEN", "/companion/bar")
        assert until_heard(rig, client, "/companion/bar", lambda: rig.query.tell([BAR])) == 7


def test_a_page_of_another_site_is_not_answered(rig: Rig) -> None:
    port = rig.query.port
    assert status(rig, "/", Host=f"evil.example:{port}") == 403
    assert status(rig, "/", Origin="https://evil.example") == 403
    assert status(rig, "/", Origin=rig.query.address) == 200
    assert status(rig, "/", Host=f"companion-studio.local.:{port}") == 200
    with pytest.raises(InvalidStatus, match="403"):
        opened(f"ws://127.0.0.1:{port}", "https://evil.example")


def test_a_machine_that_is_not_listed_is_not_answered() -> None:
    rig = feed.World()
    osc = OscServer(rig.store, OscPreset(port=0))
    with closing(osc):
        tree = OscTree(rig.store, osc.latest, osc.port)
        query = QueryServer(tree, "127.0.0.1", 0, Nobody())
        with closing(query), pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(query.address, timeout=LIMIT_S)


class Nobody(Peers):
    def include(self, host: Any) -> bool:
        return False


def test_there_are_only_so_many_clients(rig: Rig) -> None:
    address = f"ws://127.0.0.1:{rig.query.port}"
    with ExitStack() as clients:
        for _ in range(MOST_CLIENTS):
            clients.enter_context(connect(address))
        with pytest.raises(InvalidStatus):
            opened(address)


def test_a_message_that_is_too_long_ends_that_client_alone(rig: Rig) -> None:
    with closing(Stranger(rig.query.address)) as other:
        address = f"ws://127.0.0.1:{rig.query.port}"
        with connect(address) as client:
            client.send("x" * (MOST_COMMAND_BYTES + 1))
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=LIMIT_S)
        other.say("LISTEN", "/companion/bar")
        assert until_heard(rig, other, "/companion/bar", lambda: rig.query.tell([BAR])) == 7


def test_a_client_that_does_not_read_is_kept_the_last_of_each_address_alone(rig: Rig) -> None:
    with closing(Stranger(rig.query.address)) as client:
        client.say("LISTEN", "/companion/trouble")
        news = ("/companion/trouble", (1, "it " * 2000, 1))
        until_heard(rig, client, "/companion/trouble", lambda: rig.query.tell([news]))
        for _ in range(400):
            rig.query.tell([news])
            time.sleep(0.0001)
        assert all(len(each._news) <= 1 for each in rig.query._clients)
        assert status(rig, "/companion") == 200


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b"GET /" + b + b"\r\n\r\n"))
def test_bytes_that_are_no_request_end_nothing(rig: Rig, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", rig.query.port), LIMIT_S) as client:
        client.sendall(sent)
    assert rig.query._thread.is_alive()
    assert status(rig, "/companion/cycle?VALUE") == 200


def test_a_port_that_is_used_is_named(rig: Rig) -> None:
    tree = OscTree(rig.store, rig.osc.latest, 9000)
    with pytest.raises(CompanionError, match=rf"OSCQuery cannot listen on .*:{rig.query.port} \("):
        QueryServer(tree, "127.0.0.1", rig.query.port, Peers())


def test_it_is_announced_to_who_looks_for_it() -> None:
    world = feed.World()
    found: dict[str, int | None] = {}

    def on(zeroconf: Zeroconf, service_type: str, name: str, state_change: Any) -> None:
        if state_change is not ServiceStateChange.Added or service_type in found:
            return
        info = zeroconf.get_service_info(service_type, name)
        if info is not None:
            found[service_type] = info.port

    osc = OscServer(world.store, OscPreset(port=0))
    tree = OscTree(world.store, osc.latest, osc.port)
    query = QueryServer(tree, "127.0.0.1", 0, Peers(), osc.port)
    browser = Zeroconf(interfaces=["127.0.0.1"])
    try:
        ServiceBrowser(browser, list(SERVICES), handlers=[on])
        give_up_s = time.monotonic() + LIMIT_S
        while len(found) < 2 and time.monotonic() < give_up_s:
            time.sleep(0.01)
    finally:
        query.close()
        osc.close()
        browser.close()
    assert found == dict(zip(SERVICES, (query.port, osc.port), strict=True))
