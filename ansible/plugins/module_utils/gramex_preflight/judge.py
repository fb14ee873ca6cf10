"""Judges what was found in the network: names that lead elsewhere, ports that nobody reaches, closed ways out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gramex_plan.compose import outer_ports
from gramex_plan.needs import SERVICES
from gramex_plan.problems import DOMAIN_OWNER, IT_TEAM, Problem

HTTP = 80  # the port of ACME's challenge, whatever else nginx listens on


@dataclass
class Found:
    """What was found: `names` map to addresses, `ports` and `outbound` to why they cannot be reached, '' if they can.

    `own` are the addresses that the host has, or is known by; `firewall` is its own one, if it looks active, `jump`
    whether the controller itself comes through another machine, `local` whether it is the host, `deploys` whether this
    run goes on and opens what the host's own firewall closes.
    """

    own: Iterable[str]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ports: Mapping[int, str] = field(default_factory=dict)
    outbound: Mapping[str, str] = field(default_factory=dict)
    firewall: str = ""
    jump: bool = False
    local: bool = False
    deploys: bool = False


def domains(apps: Iterable[Mapping[str, Any]], proxy: bool) -> dict[str, str]:
    """Map each domain under which users look for present apps to its `tls`; those that redirect are among them."""
    found: dict[str, str] = {}
    for app in apps:
        if app["state"] == "present" and (proxy or app["expose"]):
            found.update(dict.fromkeys((app["domain"], *app["redirect"]), app["tls"]))
    return found


def ports(apps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], proxy: bool) -> list[int]:
    """The ports that users must reach: nginx's, and those of apps with `expose`."""
    present = [app for app in apps if app["state"] == "present"]
    outer = outer_ports(present, settings) if proxy and present else []
    return sorted({*outer, *(app["port"] for app in present if app["expose"] and app["port"])})


def places(apps: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Map each need of present apps that names a machine to the names of the apps."""
    found: dict[str, list[str]] = {}
    for app in apps:
        for need in app["needs"] if app["state"] == "present" else ():
            if need not in SERVICES and "/" not in need:  # a network is no machine that could be tried
                found.setdefault(need, []).append(app["name"])
    return found


def judge(found: Found, apps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], proxy: bool) -> list[Problem]:
    """Return what is wrong on the ways to the host and from it."""
    leading = domains(apps, proxy)
    problems = [problem for name, at in found.names.items() for problem in _name(name, leading[name], at, found)]
    for port, error in found.ports.items():
        if error and not (found.deploys and _opens(found, settings)):
            problems.append(_port(port, error, found, settings))
    named = places(apps)
    for place, error in found.outbound.items():
        if error:
            message = f"{place} cannot be reached from the host: {error}."
            problems.append(Problem(message, f"outbound port of {', '.join(named[place])}", who=IT_TEAM))
    return problems


def untried(apps: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """Services without a machine cannot be tried, which is no fault of anybody's."""
    for app in apps:
        services = [need for need in app["needs"] if need in SERVICES] if app["state"] == "present" else []
        if services:
            ports = ", ".join(str(port) for need in services for port in SERVICES[need])
            yield Problem(
                f"{', '.join(services)} (port {ports}) names no machine, so nobody tried whether the way is open.",
                f"outbound port of {app['name']}",
                right="needs: [mail.example.com:587]  # tried here, and all else stays closed to the app",
                warning=True,
            )


def _name(name: str, tls: str, leads: Sequence[str], found: Found) -> Iterator[Problem]:
    own = {address for address in found.own if found.local or not _loopback(address)}
    inside = name == "localhost" or name.endswith(".localhost")
    if set(leads) & own or (inside and any(map(_loopback, leads))):
        return
    here = ", ".join(sorted(address for address in own if not _only_here(address))) or "this host"
    message = f"leads to {', '.join(leads)}, not to {here}." if leads else f"has no address; it must lead to {here}."
    yield Problem(
        message,
        f"DNS of {name}",
        right="gramex_addresses: [203.0.113.7]  # if that is a load balancer or router in front of it" if leads else "",
        who=DOMAIN_OWNER,
        warning=inside or tls == "selfsigned",  # meant for people who know the way
    )


def _port(port: int, error: str, found: Found, settings: Mapping[str, Any]) -> Problem:
    opened = _opens(found, settings)
    if opened:
        right = f"nothing, if it is {found.firewall} on the host: the role firewall opens the port there"
    elif found.jump:
        right = "nothing, if only this machine cannot reach it: it goes there by way of another one"
    else:
        right = "have it opened in the firewalls between users and the host"
    also = " Certificate authorities ask there, too, before they issue one (ACME)." if port == HTTP else ""
    return Problem(
        f"cannot be reached from here: {error}.{also}",
        f"port {port}",
        right=right,
        who=IT_TEAM,
        warning=opened or found.jump,
    )


def _opens(found: Found, settings: Mapping[str, Any]) -> bool:
    """Whether the role firewall opens ports that the host's own firewall closes."""
    present = settings.get("firewall_state", "present") == "present"
    return bool(found.firewall) and present and settings.get("firewall_backend", "auto") != "none"


def _loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _only_here(address: str) -> bool:
    """Whether no name can lead to an address from another machine."""
    return ipaddress.ip_address(address).is_link_local or _loopback(address)
