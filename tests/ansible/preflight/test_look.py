"""What the controller tries of what a host told it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from gramex_preflight import look

TOLD: dict[str, Any] = {
    "addresses": ["10.0.0.5"],
    "held": [],
    "served": [],
    "outbound": {"a:1": "closed"},
    "firewall": "ufw",
}
APP = {
    "state": "present",
    "domain": "localhost",
    "redirect": [],
    "tls": "none",
    "expose": False,
    "port": None,
    "needs": [],
}


@pytest.mark.parametrize("address", ["", "127.0.0.1"])
def test_ports_that_somebody_serves_or_the_host_holds(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        served = door.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as other:
            closed = other.getsockname()[1]
        told = {**TOLD, "served": [served], "held": [closed]}
        found = look.around(told, [APP], {"nginx_http_port": 1}, True, look.Way(address, jump=True), "t")
    # Where no network leads to the host nothing is tried, and what nobody would answer never is.
    assert found.ports == ({served: "", closed: "Connection refused"} if address else {})
    assert (found.firewall, found.jump, found.outbound) == ("ufw", True, {"a:1": "closed"})
    assert "localhost" in found.names


def test_addresses_by_which_a_host_is_known() -> None:
    found = look.around(TOLD, [], {"gramex_addresses": ["203.0.113.7"]}, True, look.Way("192.0.2.3"), "t")
    assert set(found.own) == {"10.0.0.5", "203.0.113.7", "192.0.2.3"}
    assert found.ports == {}
