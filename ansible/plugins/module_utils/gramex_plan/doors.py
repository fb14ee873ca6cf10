"""Says from a plan which ports of the host others may reach, and which ways out its apps need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gramex_plan.compose import outer_ports
from gramex_plan.needs import ways


def inbound(plan: Mapping[str, Any]) -> list[int]:
    """Return the TCP ports of nginx, where it serves sites, and of apps with `expose`."""
    present = [app for app in plan["apps"] if app["state"] == "present"]
    ports = {app["port"] for app in present if app["expose"]}
    if plan["sites"]:
        served = {name for site in plan["sites"] for name in site["apps"]}
        ports |= set(outer_ports([app for app in present if app["name"] in served], plan["settings"]))
    return sorted(ports)


def outbound(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the present apps need of other machines, each way once."""
    needs = {need for app in plan["apps"] if app["state"] == "present" for need in app["needs"]}
    return [asdict(way) for way in ways(needs)]
