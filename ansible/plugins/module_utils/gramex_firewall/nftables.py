"""Lets ports through the rules that nftables has. Runs by itself at boot too: FILE.py firewall.json.

A packet passes only if every chain lets it: where a chain of somebody else drops what it does not know, a rule of ours
goes into that chain, with the comment `gramex`, just before the point from which nothing gets through. All else there
stays as it is. Where no chain filters and it is to be switched on, a table of our own does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MARK = "gramex"
TABLE = ("inet", "gramex_firewall")
# What its own program manages: rules that come past it there are lost, or break it.
MANAGED = {("inet", "firewalld"), ("ip", "firewalld"), ("ip6", "firewalld")}
CLOSE = {"drop", "reject"}
# Statements that say nothing of what a packet is like, so that a rule with them alone holds for every packet.
ALWAYS = {"counter", "log", "comment", "accept", "return", "drop", "reject", "jump", "goto"}


class Ruleset:
    """What `nft -j list ruleset` says."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        items = told.get("nftables", [])
        self.chains = [item["chain"] for item in items if "chain" in item]
        self.rules: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for rule in (item["rule"] for item in items if "rule" in item):
            self.rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule)

    def closing(self, hook: str) -> list[dict[str, Any]]:
        """The base chains at a hook (input, output) that let nothing through that no rule of theirs knows."""
        return [
            chain
            for chain in self.chains
            if chain.get("hook") == hook
            and chain["family"] in ("ip", "ip6", "inet")
            and (chain["family"], chain["table"]) not in MANAGED
            and (chain.get("policy") == "drop" or self.end(chain) is not None)
        ]

    def legacy(self, chain: Mapping[str, Any]) -> bool:
        """Whether iptables manages a chain: rules of another kind would break its commands."""
        names = chain["name"].isupper() and chain["table"] == "filter" and chain["family"] != "inet"
        return bool(names)

    def end(self, chain: Mapping[str, Any], seen: frozenset[str] = frozenset()) -> int | None:
        """Handle of the rule of a chain after which nothing follows: it drops, or jumps to where all is dropped."""
        for rule in self.rules.get((chain["family"], chain["table"], chain["name"]), []):
            if set().union(*map(set, rule["expr"])) - ALWAYS:
                continue
            verdicts: dict[str, Any] = {word: value for part in rule["expr"] for word, value in part.items()}
            target = verdicts.get("jump") or verdicts.get("goto")
            if CLOSE & set(verdicts):
                return int(rule["handle"])
            if target and target["target"] not in seen:
                inner = next((c for c in self.chains if self._same(c, chain) and c["name"] == target["target"]), None)
                if inner and self.end(inner, seen | {chain["name"]}) is not None:
                    return int(rule["handle"])
            if {"accept", "return"} & set(verdicts):
                return None
        return None

    def ours(self) -> list[dict[str, Any]]:
        """Our rules in chains of others."""
        return [
            rule
            for rules in self.rules.values()
            for rule in rules
            if rule.get("comment", "").split(" ")[0] == MARK and (rule["family"], rule["table"]) != TABLE
        ]

    def has_own(self) -> bool:
        """Whether our own table is there."""
        return any((chain["family"], chain["table"]) == TABLE for chain in self.chains)

    def _same(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return (one["family"], one["table"]) == (other["family"], other["table"])


def rules(ways: Iterable[Mapping[str, Any]], family: str) -> list[tuple[str, str]]:
    """Return for each way (direction, protocol, port, to) nft's words, and the comment by which it is known again.

    Ways of one kind share a rule; one to an address of another family than the chain's is left out.
    """
    grouped: dict[tuple[str, str], list[int]] = {}
    for way in ways:
        six = ":" in way["to"]
        if not way["to"] or family == "inet" or six == (family == "ip6"):
            grouped.setdefault((way["protocol"], way["to"]), []).append(way["port"])
    made = []
    for (protocol, to), ports in sorted(grouped.items()):
        listed = ", ".join(map(str, sorted(set(ports))))
        where = f"{'ip6' if ':' in to else 'ip'} daddr {to} " if to else ""
        comment = f"{MARK} {protocol} {listed.replace(' ', '')}{f' to {to}' if to else ''}"
        made.append((f'{where}{protocol} dport {{ {listed} }} accept comment "{comment}"', comment))
    return made


def commands(ruleset: Ruleset, wanted: Mapping[str, Any]) -> list[str]:
    """Return nft's commands that bring about what is wanted; none where it is so already.

    `wanted`: inbound and outbound (ways), and own (ways in of a table of our own, none: no such table).
    """
    made = []
    stale = {int(rule["handle"]): rule for rule in ruleset.ours()}
    for hook, ways in (("input", wanted["inbound"]), ("output", wanted["outbound"])):
        for chain in ruleset.closing(hook):
            place = (chain["family"], chain["table"], chain["name"])
            if ruleset.legacy(chain) or place[:2] == TABLE:
                continue
            end = ruleset.end(chain)
            before = list(ruleset.rules.get(place, []))
            handles = [int(rule["handle"]) for rule in before]
            for text, comment in rules(ways, chain["family"]):
                there = [
                    handle
                    for handle, rule in stale.items()
                    if rule["comment"] == comment and (rule["family"], rule["table"], rule["chain"]) == place
                ]
                if there and (end is None or handles.index(there[0]) < handles.index(end)):
                    stale.pop(there[0])
                elif end is None:
                    made.append(f"add rule {' '.join(place)} {text}")
                else:
                    made.append(f"insert rule {' '.join(place)} position {end} {text}")
    gone = [f"delete rule {r['family']} {r['table']} {r['chain']} handle {handle}" for handle, r in stale.items()]
    return [*gone, *made, *own(ruleset, wanted["own"])]


def own(ruleset: Ruleset, ways: list[Mapping[str, Any]]) -> list[str]:
    """Return the commands for a table of our own that lets in what is wanted, and what every host has to answer."""
    name = " ".join(TABLE)
    if not ways:
        return [f"delete table {name}"] if ruleset.has_own() else []
    wanted = rules(ways, "inet")
    present = [rule.get("comment") for rule in ruleset.rules.get((*TABLE, "input"), []) if "comment" in rule]
    if ruleset.has_own() and present == [comment for _, comment in wanted]:
        return []
    lines = [
        "ct state established,related accept",
        "ct state invalid drop",
        'iif "lo" accept',
        "meta l4proto { icmp, ipv6-icmp } accept",
        *(text for text, _ in wanted),
    ]
    # Added first, so that it can be deleted whether it was there or not: one transaction, never a moment without it.
    return [
        f"add table {name}",
        f"delete table {name}",
        f"add table {name}",
        f"add chain {name} input {{ type filter hook input priority filter; policy drop; }}",
        *(f"add rule {name} input {line}" for line in lines),
    ]


def read() -> Ruleset:
    """Ask nft. Raises OSError or RuntimeError where it does not answer."""
    done = subprocess.run(["nft", "-j", "list", "ruleset"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"nft list ruleset: {done.stderr.strip()}")
    return Ruleset(json.loads(done.stdout))


def apply(lines: list[str]) -> None:
    """Run commands as one transaction: all of them or none. Raises RuntimeError with nft's words."""
    if lines:
        text = "\n".join(lines) + "\n"
        done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"nft: {done.stderr.strip()}\n{text}")


if __name__ == "__main__":
    apply(commands(read(), json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
