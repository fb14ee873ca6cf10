"""Which firewall the role works with, from what is installed and what filters."""

from __future__ import annotations

import pytest
from gramex_firewall import choose, nftables
from gramex_firewall.command import FirewallError
from gramex_firewall.nft import Nftables
from gramex_firewall.record import Record


@pytest.fixture
def host(monkeypatch):
    """A host with some programs, of which some filter."""

    def make(present: list[str], filtering: tuple[str, ...] = (), iptables: str | None = None) -> None:
        class Played:
            def __init__(self, kind: str) -> None:
                self.kind = kind

            def active(self) -> bool:
                return self.kind in filtering

        def run(*words: str) -> tuple[int, str, str]:
            return (127, "", "") if iptables is None else (0, iptables, "")

        monkeypatch.setattr(choose, "installed", lambda: present)
        monkeypatch.setattr(choose, "make", lambda kind, record: Played(kind))
        monkeypatch.setattr(choose, "run", run)

    return make


@pytest.mark.parametrize(
    ("present", "filtering", "told", "enable", "expected"),
    [
        ([], (), "auto", False, "none"),
        (["ufw"], (), "auto", False, "none"),
        (["ufw"], ("ufw",), "auto", False, "ufw"),
        (["ufw", "nftables"], ("ufw", "nftables"), "auto", False, "ufw"),
        (["ufw", "nftables"], ("nftables",), "auto", False, "nftables"),
        (["firewalld", "nftables"], ("firewalld",), "auto", True, "firewalld"),
        (["ufw"], (), "auto", True, "ufw"),
        (["ufw"], (), "ufw", False, "ufw"),
        (["ufw"], ("ufw",), "none", True, "none"),
    ],
)
def test_it_is_the_one_that_filters_or_the_one_that_was_told(host, present, filtering, told, enable, expected):
    host(present, filtering)
    assert choose.choose(told, enable, Record()) == expected


@pytest.mark.parametrize(
    ("present", "filtering", "told", "enable", "words"),
    [
        (["ufw"], (), "firewalld", False, "apt-get install firewalld"),
        (["ufw", "nftables"], ("ufw",), "nftables", False, "but ufw filters on this host"),
        (["ufw", "nftables"], (), "auto", True, "ufw and nftables are installed. Say which: firewall_backend: ufw"),
        ([], (), "auto", True, "no firewall is installed here: apt-get install ufw"),
    ],
)
def test_what_cannot_be_is_said(host, present, filtering, told, enable, words):
    host(present, filtering)
    with pytest.raises(FirewallError, match=words):
        choose.choose(told, enable, Record())


def test_one_that_the_role_switched_on_is_still_its_own(host):
    host(["ufw"])
    assert choose.choose("auto", False, Record("ufw", enabled=True)) == "ufw"


@pytest.mark.parametrize("rules", ["-P INPUT DROP\n", "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-x\n"])
def test_rules_of_iptables_that_close_the_host_are_named_and_left(host, rules):
    host([], iptables=rules)
    with pytest.raises(FirewallError, match="iptables closes this host"):
        choose.choose("auto", False, Record())


def test_rules_of_iptables_that_close_nothing_are_no_matter(host):
    host([], iptables="-P INPUT ACCEPT\n-A INPUT -s 10.0.0.1 -j DROP\n")
    assert choose.choose("auto", False, Record()) == "none"


def test_a_container_that_may_not_ask_nft_has_no_firewall(monkeypatch):
    def refused() -> None:
        raise RuntimeError("nft list ruleset: Operation not permitted")

    monkeypatch.setattr(nftables, "read", refused)
    assert not Nftables(Record()).active()
