"""Looks, from the controller, at the ways to a host and at what the host says of the ways from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gramex_preflight import names, reach
from gramex_preflight.judge import Found, domains


@dataclass(frozen=True)
class Way:
    """How the controller comes to a host: `address` is '' where no network leads there, such as to a container."""

    address: str = ""
    local: bool = False
    jump: bool = False


def around(
    told: Mapping[str, Any],
    apps: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    proxy: bool,
    way: Way,
    token: str,
) -> Found:
    """Return what is found of names and ports. `told` are the host's own words, its ports answer with `token`."""
    leading = names.resolved(domains(apps, proxy))
    # A port answers if the host holds it open, or if somebody serves there already.
    open_ones = [*told["held"], *told["served"]] if way.address else []
    tried = reach.tried(way.address, open_ones, told["held"], token)
    known = names.addresses(way.address) if way.address else []
    own = {*told["addresses"], *settings.get("gramex_addresses", ()), *known}
    return Found(own, leading, tried, told["outbound"], told["firewall"], way.jump, way.local)


def off(now: float, asked: float, answered: float) -> float:
    """Seconds by which a host's clock is ahead (negative: behind), if it said `now` between two times of ours."""
    return now - answered if now > answered else min(0.0, now - asked)
