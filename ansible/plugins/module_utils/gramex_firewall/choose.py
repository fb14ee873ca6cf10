"""Chooses the firewall that a host has, or the one that was told."""

from __future__ import annotations

from .command import FirewallError, run, there
from .firewalld import Firewalld
from .nft import Nftables
from .record import Record
from .rule import Firewall
from .ufw import Ufw

KINDS: dict[str, type[Ufw | Firewalld | Nftables]] = {"ufw": Ufw, "firewalld": Firewalld, "nftables": Nftables}
PROGRAMS = {"ufw": "ufw", "firewalld": "firewall-cmd", "nftables": "nft"}


def installed() -> list[str]:
    """The kinds of firewall whose program is there; the ones that manage nftables themselves first."""
    return [kind for kind, program in PROGRAMS.items() if there(program)]


def make(kind: str, record: Record) -> Firewall:
    """A firewall of a kind."""
    return KINDS[kind](record)


def choose(told: str, enable: bool, record: Record) -> str:
    """Return the kind to work with, `none` where there is nothing to open.

    `told`: auto, none, or a kind. auto: the one that filters now; one that the role has switched on; with `enable` the
    only one that is installed. Raises FirewallError where what was told cannot be.
    """
    present = installed()
    if told == "none":
        return "none"
    filtering = next((kind for kind in present if make(kind, record).active()), "")
    if told != "auto":
        if told not in present:
            raise FirewallError(f"firewall_backend is {told}, which is not installed: apt-get install {told}, or auto")
        if filtering not in ("", told):
            raise FirewallError(f"firewall_backend is {told}, but {filtering} filters on this host: use that, or auto")
        return told
    if not filtering and not present and run("iptables", "-S")[0] == 0:
        return _iptables()
    if not filtering and enable:
        if len(present) != 1:
            if not present:
                raise FirewallError("firewall_enable: no firewall is installed here: apt-get install ufw")
            raise FirewallError(
                f"firewall_enable: {' and '.join(present)} are installed. Say which: firewall_backend: {present[0]}"
            )
        return present[0]
    return filtering or (record.backend if record.enabled else "") or "none"


def _iptables() -> str:
    """The rules of iptables alone are read, never changed."""
    _, output, _ = run("iptables", "-S", "INPUT")
    if "-P INPUT DROP" in output or any(
        row in ("-A INPUT -j DROP", "-A INPUT -j REJECT") or row.startswith("-A INPUT -j REJECT --reject-with")
        for row in output.splitlines()
    ):
        raise FirewallError(
            "iptables closes this host, and its rules are not for this role to change. Open the ports of nginx (80, "
            "443) and of apps with `expose` as you keep the others, then set firewall_backend: none"
        )
    return "none"
