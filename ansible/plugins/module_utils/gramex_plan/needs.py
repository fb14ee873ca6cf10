"""Reads what an app says it needs of other machines (`needs`): ports for a firewall, addresses for its unit."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

# What mail, directory and web servers listen on. Port 587 is for submission, which begins in the clear and then is not:
# some know it as SMTP, some as SMTPS.
SERVICES = {"smtp": (25, 587), "smtps": (465, 587), "ldap": (389,), "ldaps": (636,), "http": (80,), "https": (443,)}
NAMES = (("udp", 53), ("tcp", 53))
PLACE = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:/\d+)?)\]|(?P<host>[A-Za-z0-9._/-]+)):(?P<port>\d+)")


@dataclass(frozen=True, order=True)
class Way:
    """A way out: protocol tcp or udp, a port, and the address or network it leads to; '' is any."""

    protocol: str
    port: int
    to: str = ""


def wrong(need: str) -> str:
    """Say what is wrong with a need; '' where nothing is."""
    if need in SERVICES:
        return ""
    found = PLACE.fullmatch(need)
    if not found:
        return f"`{need}` is neither one of {', '.join(SERVICES)} nor HOST:PORT."
    if not 0 < int(found["port"]) < 65536:
        return f"`{need}` has no port between 1 and 65535."
    host = found["six"] or found["host"]
    if ("/" in host or re.fullmatch(r"[0-9.]+", host) or found["six"]) and not _network(host):
        return f"`{host}` is neither an address nor a network."
    return ""


def ways(needs: Iterable[str]) -> list[Way]:
    """Return the ways out that right needs ask for. Where one leads to a name, names have to be resolved: port 53.

    A name stands for any address: what it resolves to changes, and a firewall would keep yesterday's answer.
    """
    made = set()
    for need in needs:
        if need in SERVICES:
            made |= {Way("tcp", port) for port in SERVICES[need]}
        elif found := PLACE.fullmatch(need):
            made.add(Way("tcp", int(found["port"]), _network(found["six"] or found["host"])))
    if any(not way.to for way in made):
        made |= {Way(protocol, port) for protocol, port in NAMES}
    return sorted(made)


def addresses(needs: Iterable[str]) -> list[str]:
    """Return whom the app may talk to besides its own machine, as systemd writes it: networks, or `any`."""
    found = {way.to for way in ways(needs)}
    return ["any"] if "" in found else sorted(found)


def _network(host: str) -> str:
    """An address or network in its usual form; '' for a name."""
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        return ""
    return str(network.network_address) if network.num_addresses == 1 else str(network)
