"""Apps that serve HTTPS themselves, where no nginx does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gramex_plan.hosts import judge

Planned = Callable[..., tuple[dict[str, Any], list[str]]]
ROOT = Path(__file__).resolve().parents[3]
APP = {
    "name": "direct",
    "source": str(ROOT / "examples" / "site"),
    "domain": "shop.example",
    "port": 443,
    "expose": True,
    "tls": "files",
}
FILES = {"certificate": "files/shop.pem", "key": "files/shop.key"}
ALONE = {"groups": ["gramex"], "others": ["web2"]}  # a proxy elsewhere in the fleet is not this host's


def variables(app: dict[str, Any], **place: str) -> dict[str, Any]:
    return {"gramex_apps": [{**APP, **app}], "nginx_certificates": {"shop.example": {**FILES, **place}}}


def test_the_certificate_is_copied_to_the_app(planned: Planned) -> None:
    plan, problems = planned(variables({}), ALONE)
    assert problems == []
    (app,) = plan["apps"]
    assert app["https"] == {
        "certificate": "/etc/gramex/direct/certificate.pem",
        "key": "/etc/gramex/direct/key.pem",
        "source": FILES,
    }
    assert app["url"] == "https://shop.example/"
    assert planned(variables({"port": 8443}), ALONE)[0]["apps"][0]["url"] == "https://shop.example:8443/"


def test_a_certificate_of_the_host_is_used_where_it_is(planned: Planned) -> None:
    there = {"certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}
    plan, _ = planned(variables({}, where="host", **there), ALONE)
    assert plan["apps"][0]["https"] == {**there, "source": {}}


@pytest.mark.parametrize(
    ("app", "host", "url"),
    [
        ({"tls": "none", "port": 80}, ALONE, "http://shop.example/"),
        ({"tls": "selfsigned"}, ALONE, "http://shop.example:443/"),
        ({"port": 8001}, {"groups": ["gramex", "proxy"]}, "https://shop.example/"),  # nginx's
        ({"port": 8001, "expose": False}, {"groups": ["gramex"]}, "http://127.0.0.1:8001/"),
    ],
)
def test_who_does_not(app: dict[str, Any], host: dict[str, Any], url: str, planned: Planned) -> None:
    plan, problems = planned(variables(app), host)
    assert problems == []
    assert (plan["apps"][0]["https"], plan["apps"][0]["url"]) == ({}, url)


def test_a_small_port_is_for_others_machines(planned: Planned) -> None:
    _, problems = planned(variables({"expose": False}), {"groups": ["gramex"]})
    wrong = "443 is too small for a port of this machine alone: at least 1024, or `expose: true`."
    assert [problem.splitlines()[0] for problem in problems] == [f"gramex_apps[0] (direct).port: {wrong}"]


@pytest.mark.parametrize(
    ("port", "tls", "what"),
    [
        (443, "files", ["port of direct", "tls of direct"]),
        (80, "none", ["port of direct"]),
        (8443, "files", ["tls of direct"]),
        (8001, "none", []),
    ],
)
def test_what_only_systemd_does(port: int, tls: str, what: list[str]) -> None:
    facts: dict[str, Any] = {
        **{"uid": 1, "user": "ann", "os": "debian", "os_version": "13", "python": {}, "free_mb": {}, "indexes": {}},
        "preflight": {"memory_mb": None, "new_apps": [], "off": 0.0, "sources": {}},
    }
    app = {"state": "present", "python": "/usr/bin/python3", "name": "direct", "port": port, "expose": True, "tls": tls}
    app |= {"distribution": "gramex-runtime", "schedule": []}

    def found(init: str, proxy: bool) -> list[str]:
        problems = [problem.what for problem in judge({**facts, "init": init}, [app], {}, proxy)]
        return [what for what in problems if what.endswith(" of direct") and not what.startswith("python")]

    assert found("systemd", False) == []
    assert found("sysv", False) == what
    assert found("none", True) == [name for name in what if name.startswith("port")]
