"""Where a rule of ours goes in rules of others, and that it goes there once."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_firewall import nftables

WAY = {"direction": "in", "protocol": "tcp", "port": 443, "to": ""}
WANTED: dict[str, Any] = {"inbound": [WAY, {**WAY, "port": 80}], "outbound": [], "own": []}
NOTHING: dict[str, Any] = {"inbound": [], "outbound": [], "own": []}
MATCH = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}
TEXT = 'tcp dport { 80, 443 } accept comment "gramex tcp 80,443"'


def ruleset(*rules: list[dict] | str, family="inet", name="input", hook="input", policy="drop", rest=()):
    """A chain at a hook: each rule is its expressions, or the comment of one of ours; handles count from 10."""
    chain = {"family": family, "table": "filter", "name": name, "handle": 1, "hook": hook, "policy": policy}
    inner = {"family": family, "table": "filter", "name": "rest", "handle": 2}
    place = {"family": family, "table": "filter", "chain": name}
    items: list[dict] = [{"metainfo": {}}, {"chain": chain}, {"chain": inner}]
    for handle, rule in enumerate(rules, 10):
        ours = {"expr": [MATCH, {"accept": None}], "comment": rule} if isinstance(rule, str) else {"expr": rule}
        items.append({"rule": {**place, "handle": handle, **ours}})
    items += [{"rule": {**place, "chain": "rest", "handle": 50 + n, "expr": expr}} for n, expr in enumerate(rest)]
    return nftables.Ruleset({"nftables": items})


ACCEPT = [MATCH, {"accept": None}]


@pytest.mark.parametrize(
    ("rules", "rest", "expected"),
    [
        ([], (), f"add rule inet filter input {TEXT}"),
        ([ACCEPT], (), f"add rule inet filter input {TEXT}"),
        ([ACCEPT, [MATCH, {"drop": None}]], (), f"add rule inet filter input {TEXT}"),
        ([ACCEPT, [{"drop": None}]], (), f"insert rule inet filter input position 11 {TEXT}"),
        ([[{"counter": {}}, {"reject": None}], ACCEPT], (), f"insert rule inet filter input position 10 {TEXT}"),
        ([ACCEPT, [{"limit": {}}, {"drop": None}]], (), f"add rule inet filter input {TEXT}"),
        (
            [ACCEPT, [{"jump": {"target": "rest"}}]],
            ([{"log": None}], [{"drop": None}]),
            f"insert rule inet filter input position 11 {TEXT}",
        ),
        ([[{"jump": {"target": "rest"}}]], (ACCEPT,), f"add rule inet filter input {TEXT}"),
        ([[{"jump": {"target": "rest"}}]], ([{"jump": {"target": "rest"}}],), f"add rule inet filter input {TEXT}"),
    ],
)
def test_a_rule_goes_where_packets_still_come_by(rules, rest, expected):
    assert nftables.commands(ruleset(*rules, rest=rest), WANTED) == [expected]


def test_a_chain_that_lets_all_through_is_left_alone():
    assert nftables.commands(ruleset(ACCEPT, [MATCH, {"drop": None}], policy="accept"), WANTED) == []


def test_what_is_there_is_not_added_again():
    assert nftables.commands(ruleset(ACCEPT, "gramex tcp 80,443"), WANTED) == []
    assert nftables.commands(ruleset("gramex tcp 80,443", [{"drop": None}]), WANTED) == []


def test_one_that_nothing_reaches_any_more_moves():
    found = nftables.commands(ruleset([{"drop": None}], "gramex tcp 80,443"), WANTED)
    assert found == ["delete rule inet filter input handle 11", f"insert rule inet filter input position 10 {TEXT}"]


def test_only_rules_of_ours_go():
    present = ruleset(ACCEPT, "gramex tcp 80,443", "gramexican food", "ssh")
    assert nftables.commands(present, NOTHING) == ["delete rule inet filter input handle 11"]


def test_changed_ports_replace_the_rule_in_one_transaction():
    found = nftables.commands(ruleset("gramex tcp 443"), WANTED)
    assert found == ["delete rule inet filter input handle 10", f"add rule inet filter input {TEXT}"]


@pytest.mark.parametrize(("family", "count"), [("inet", 2), ("ip", 1), ("ip6", 1)])
def test_a_way_to_an_address_goes_where_such_addresses_come_by(family, count):
    ways = [{**WAY, "direction": "out", "to": "10.0.0.1"}, {**WAY, "direction": "out", "to": "fd00::1"}]
    chain = ruleset(family=family, name="output", hook="output")
    found = nftables.commands(chain, {**NOTHING, "outbound": ways})
    assert len(found) == count
    assert all(("ip6 daddr fd00::1" in line) != ("ip daddr 10.0.0.1" in line) for line in found)


def test_what_iptables_manages_is_never_written_to():
    found = ruleset(family="ip", name="INPUT")
    assert found.legacy(found.closing("input")[0])
    assert nftables.commands(found, WANTED) == []


def test_a_table_of_our_own_lets_in_what_is_wanted_and_is_made_once():
    own = {**NOTHING, "own": [WAY, {**WAY, "port": 22}]}
    made = nftables.commands(ruleset(policy="accept"), own)
    assert made[:2] == ["add table inet gramex_firewall", "delete table inet gramex_firewall"]
    assert "policy drop" in made[3]
    assert "tcp dport { 22, 443 } accept" in made[-1]
    place = {"family": "inet", "table": "gramex_firewall"}
    rule = {"rule": {**place, "chain": "input", "handle": 5, "expr": ACCEPT, "comment": "gramex tcp 22,443"}}
    chain = {"chain": {**place, "name": "input", "handle": 1, "hook": "input", "policy": "drop"}}
    present = nftables.Ruleset({"nftables": [chain, rule]})
    assert nftables.commands(present, own) == []
    assert nftables.commands(present, NOTHING) == ["delete table inet gramex_firewall"]
