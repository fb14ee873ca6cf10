"""One thing that a firewall is to let through, and all that a host is to have of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MARK = "gramex"  # begins the comment of each rule of ours, where a firewall has comments


@dataclass(frozen=True, order=True)
class Rule:
    """Lets `direction` (in, out) through for a protocol and port; `to` restricts what goes out, '' is any."""

    direction: str
    protocol: str
    port: int
    to: str = ""

    def __str__(self) -> str:
        where = f" to {self.to}" if self.to else ""
        return f"{self.port}/{self.protocol} {self.direction}{where}"


@dataclass
class Wanted:
    """Ports that others may reach, ways out for the apps (only where a firewall filters those), and SSH's ports.

    `enable`: an inactive firewall may be switched on.
    """

    inbound: list[int] = field(default_factory=list)
    outbound: list[Rule] = field(default_factory=list)
    ssh: list[int] = field(default_factory=list)
    enable: bool = False

    def rules(self, egress: bool) -> list[Rule]:
        """All rules; those for what goes out only where that is filtered."""
        return sorted({*(Rule("in", "tcp", port) for port in self.inbound), *(self.outbound if egress else ())})


class Firewall(Protocol):
    """What each kind of firewall can do. Methods that change something return sentences that say what."""

    def active(self) -> bool: ...
    def egress(self) -> bool: ...
    def bring(self, wanted: Wanted, check: bool) -> list[str]: ...
    def remove(self, check: bool) -> list[str]: ...


def outbound(ways: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """Return the rules for ways out that came as mappings."""
    return [Rule("out", way["protocol"], way["port"], way.get("to", "")) for way in ways]
