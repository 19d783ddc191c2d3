"""Ports that are chosen now and listened on later must not be taken by anybody's outgoing connection meanwhile."""

import socket

import pytest

from cluster.control_plane import ports
from cluster.control_plane.ports import ADDRESS, free_ports


def test_free_ports_differ_and_are_none_that_outgoing_connections_get() -> None:
    found = free_ports(20)

    assert len(set(found)) == 20
    assert all(ports.LOWEST_PORT <= port < ports._lowest_outgoing() for port in found)


def test_a_port_in_use_is_replaced() -> None:
    with socket.create_server((ADDRESS, 0)) as other:
        taken = int(other.getsockname()[1])

        assert ports._hold([taken]) != [taken]


def test_where_the_system_does_not_say_its_own_choice_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_lowest_outgoing", lambda: 0)

    assert len(set(free_ports(3))) == 3
