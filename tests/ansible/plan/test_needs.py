"""What `needs` mean: ports for firewalls, addresses for units, and what is wrong with them."""

from __future__ import annotations

import pytest
from gramex_plan.doors import inbound, outbound
from gramex_plan.needs import addresses, ways, wrong


@pytest.mark.parametrize(
    ("needs", "ports"),
    [
        (["smtp", "smtps"], {25, 465, 587, 53}),
        (["smtps"], {465, 587, 53}),
        (["ldap", "ldaps"], {389, 636, 53}),
        (["http", "https"], {80, 443, 53}),
        (["db.example.com:5432"], {5432, 53}),
        (["10.0.0.7:5432"], {5432}),
        ([], set()),
    ],
)
def test_ports_of_services_and_names_come_with_dns(needs, ports):
    assert {way.port for way in ways(needs)} == ports


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ([], []),
        (["10.0.0.7:5432", "10.1.2.3/8:53", "[fd00::1]:25"], ["10.0.0.0/8", "10.0.0.7", "fd00::1"]),
        (["10.0.0.7:5432", "smtp"], ["any"]),
        (["db.example.com:5432"], ["any"]),
    ],
)
def test_a_unit_is_told_addresses_where_all_are_known(needs, expected):
    assert addresses(needs) == expected


@pytest.mark.parametrize(
    "need", ["smtp", "db:5432", "db.example.com:1", "10.0.0.0/8:65535", "[::1]:25", "[fd00::/8]:1"]
)
def test_right_ones(need):
    assert wrong(need) == ""


@pytest.mark.parametrize(
    "need", ["mail", "smtp:", "db:0", "db:70000", "10.0.0.300:5", "10.0.0.0/40:5", "[db]:5", "::1:25", "a b:5", "x/8:5"]
)
def test_wrong_ones_are_told(need):
    assert wrong(need)


APP = {"name": "site", "state": "present", "port": None, "expose": False, "needs": ["10.0.0.7:1"], "tls": "none"}


@pytest.mark.parametrize(
    ("changes", "sites", "ports"),
    [
        ({}, ["site"], [80]),
        ({"tls": "selfsigned"}, ["site"], [80, 443]),
        ({"tls": "selfsigned"}, [], []),
        ({"port": 8001}, [], []),
        ({"port": 8001, "expose": True}, [], [8001]),
        ({"port": 8001, "expose": True}, ["site"], [80, 8001]),
        ({"port": 8001, "expose": True, "state": "absent"}, [], []),
    ],
)
def test_doors_of_a_host_follow_from_its_apps(changes, sites, ports):
    plan = {"apps": [{**APP, **changes}], "sites": [{"apps": sites}] if sites else [], "settings": {}}
    assert inbound(plan) == ports
    assert bool(outbound(plan)) == (plan["apps"][0]["state"] == "present")
