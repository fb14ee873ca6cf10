"""What of the network is wrong, who can mend it, and what only deserves a look."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_preflight.judge import Found, domains, judge, places, ports, untried

APP: dict[str, Any] = {
    "name": "site",
    "state": "present",
    "domain": "shop.example",
    "redirect": ["www.shop.example"],
    "tls": "files",
    "port": None,
    "expose": False,
    "needs": [],
}
OWN = ["127.0.0.1", "::1", "10.0.0.5", "fe80::1"]


def said(found: Found, app: dict[str, Any] | None = None, proxy: bool = True, **settings: Any) -> list[tuple[Any, ...]]:
    return [
        (problem.who, problem.warning, str(problem).splitlines()[0])
        for problem in judge(found, [{**APP, **(app or {})}], settings, proxy)
    ]


def test_a_domain_that_leads_here() -> None:
    assert said(Found(OWN, {"shop.example": ["192.0.2.9", "10.0.0.5"], "www.shop.example": ["10.0.0.5"]})) == []
    assert said(Found([*OWN, "192.0.2.9"], {"shop.example": ["192.0.2.9"]})) == []


def test_a_domain_that_leads_elsewhere() -> None:
    found = Found(OWN, {"shop.example": ["192.0.2.9"], "www.shop.example": []})
    assert said(found) == [
        ("domain owner", False, "DNS of shop.example: leads to 192.0.2.9, not to 10.0.0.5."),
        ("domain owner", False, "DNS of www.shop.example: has no address; it must lead to 10.0.0.5."),
    ]
    assert [warning for _, warning, _ in said(found, {"tls": "selfsigned"})] == [True, True]
    assert [warning for _, warning, _ in said(found, {"tls": "none"})] == [False, False]


def test_a_domain_that_leads_everybody_to_himself() -> None:
    wrong = Found(OWN, {"shop.example": ["127.0.0.1"]})
    assert said(wrong)[0][2] == "DNS of shop.example: leads to 127.0.0.1, not to 10.0.0.5."
    assert said(Found(OWN, {"shop.example": ["127.0.0.1"]}, local=True)) == []
    inside = {"domain": "localhost", "redirect": ["x.localhost"]}
    assert said(Found(OWN, {"localhost": ["::1"], "x.localhost": []}), inside)[0][:2] == ("domain owner", True)
    assert len(said(Found(OWN, {"localhost": ["::1"], "x.localhost": []}), inside)) == 1


def test_ports_that_cannot_be_reached() -> None:
    found = Found(OWN, ports={80: "", 443: "no answer within 4 s"})
    text = "port 443: cannot be reached from here: no answer within 4 s."
    assert said(found) == [("IT team", False, text)]
    found.jump = True
    assert said(found) == [("IT team", True, text)]
    found.jump, found.firewall = False, "ufw"
    assert said(found) == [("IT team", True, text)]
    found.deploys = True
    assert said(found) == [], "this run opens it"
    assert said(found, firewall_backend="none") == said(found, firewall_state="absent") == [("IT team", False, text)]


def test_port_80_is_for_acme_too() -> None:
    ((who, warning, text),) = said(Found(OWN, ports={80: "no answer within 4 s", 443: ""}))
    assert (who, warning) == ("IT team", False)
    assert text.startswith("port 80: cannot be reached from here: no answer within 4 s. Certificate authorities ask")


def test_ways_out_that_are_closed() -> None:
    found = Found(OWN, outbound={"mail.example:25": "Connection refused", "db.example:5432": ""})
    app = {"needs": ["mail.example:25", "db.example:5432"]}
    assert said(found, app) == [
        (
            "IT team",
            False,
            "outbound port of site: mail.example:25 cannot be reached from the host: Connection refused.",
        )
    ]


def test_what_is_tried() -> None:
    apps = [
        {**APP, "needs": ["smtp", "10.0.0.0/8:25", "mail.example:587"]},
        {**APP, "name": "api", "port": 8001, "expose": True, "tls": "none", "needs": ["mail.example:587"]},
        {
            **APP,
            "name": "old",
            "state": "absent",
            "domain": "old.example",
            "port": 9000,
            "expose": True,
            "needs": ["x:1"],
        },
    ]
    assert places(apps) == {"mail.example:587": ["site", "api"]}
    assert ports(apps, {"nginx_http_port": 8080}, True) == [443, 8001, 8080]
    assert ports(apps, {}, False) == [8001]
    assert ports(apps[2:], {}, True) == []
    assert set(domains(apps, True)) == {"shop.example", "www.shop.example"}
    assert domains(apps[:1], False) == {}
    notes = [(problem.warning, problem.what, problem.message) for problem in untried(apps)]
    assert notes == [
        (
            True,
            "outbound port of site",
            "smtp (port 25, 587) names no machine, so nobody tried whether the way is open.",
        )
    ]


@pytest.mark.parametrize("proxy", [True, False])
def test_domains_of_an_exposed_app(proxy: bool) -> None:
    assert set(domains([{**APP, "port": 8443, "expose": True}], proxy)) == {"shop.example", "www.shop.example"}
