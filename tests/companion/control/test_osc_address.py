"""Where OSC goes: to what listens in other programs, and never to the companion itself."""

from __future__ import annotations

import socket

import pytest

from companion.control import osc_address
from companion.control.osc_address import open_listeners, open_sender
from companion.control.preset import OscTarget
from companion.system.errors import CompanionError

LOOKED_UP = socket.getaddrinfo


def names(monkeypatch: pytest.MonkeyPatch, **known: list[str]) -> None:
    """In place of the hosts file: names with their addresses, in this order."""

    def look_up(host: str, port: int, **how: int) -> list:
        found = [LOOKED_UP(each, port, **how) for each in known.get(host, [host])]
        return [one for each in found for one in each]

    monkeypatch.setattr(osc_address.socket, "getaddrinfo", look_up)


@pytest.fixture
def own_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """Of this machine, where its hosts file has it."""
    names(monkeypatch, studio=["127.0.1.1"], localhost=["::1", "127.0.0.1"])
    return "studio"


def lan_addresses() -> list[str]:
    """Of this machine, beside the loopback; none where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))
        except OSError:
            return []
        return [probe.getsockname()[0]]


class TestSending:
    def test_a_name_with_two_addresses_is_sent_to_where_other_programs_listen(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names(monkeypatch, localhost=["::1", "127.0.0.1"])
        sender, where = open_sender(OscTarget(9001, "localhost"))
        sender.close()
        assert where == ("127.0.0.1", 9001)

    def test_one_that_is_ipv6_alone_is_sent_to_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names(monkeypatch, tablet=["::1"])
        for host in ("tablet", "::1"):
            sender, where = open_sender(OscTarget(9001, host))
            sender.close()
            assert where[:2] == ("::1", 9001)


OWN = [
    ("127.0.0.1", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "0.0.0.0", "::1", "::"]),
    ("127.0.0.1", ["::ffff:127.0.0.1"]),
    ("0.0.0.0", ["127.0.0.1", "localhost", "127.0.0.2", "studio", "0.0.0.0", "::1"]),
    ("0.0.0.0", ["255.255.255.255", "127.255.255.255", *lan_addresses()]),
    ("::1", ["::1", "::", "0:0:0:0:0:0:0:1"]),
    ("::", ["::1", "::", "127.0.0.1", "localhost", *lan_addresses()]),
]


class TestItself:
    @pytest.mark.parametrize(
        ("listening", "host"), [(listening, host) for listening, all_of in OWN for host in all_of]
    )
    def test_its_own_port_is_refused_however_it_is_spelt(
        self, own_name: str, listening: str, host: str
    ) -> None:
        listeners = open_listeners(listening, 0)
        places = [each.getsockname() for each in listeners]
        port = places[0][1]
        try:
            with pytest.raises(CompanionError) as error:
                open_sender(OscTarget(port, host), places)
            message = f"OSC cannot send to {host}:{port}: there the companion itself listens; "
            assert str(error.value) == message + "valid: another port"
            open_sender(OscTarget(port % 65535 + 1, host), places)[0].close()
        finally:
            for each in listeners:
                each.close()

    @pytest.mark.parametrize(
        ("listening", "host"),
        [("127.0.0.1", "192.0.2.77"), ("127.0.0.1", "127.0.0.2"), ("0.0.0.0", "192.0.2.77")],
    )
    def test_the_same_port_elsewhere_is_not_its_own(
        self, own_name: str, listening: str, host: str
    ) -> None:
        listeners = open_listeners(listening, 0)
        places = [each.getsockname() for each in listeners]
        try:
            sender, where = open_sender(OscTarget(places[0][1], host), places)
            sender.close()
            assert where == (host, places[0][1])
        finally:
            for each in listeners:
                each.close()


def test_where_another_program_has_the_other_loopback_it_listens_on_its_own() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        (listener,) = open_listeners("127.0.0.1", other.getsockname()[1])
        assert listener.getsockname() == ("127.0.0.1", other.getsockname()[1])
        listener.close()
