"""The plan of one host, from a mapping of variables, without Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from gramex_plan.apps import Host
from gramex_plan.plan import check, make
from gramex_plan.values import Checker

ROOT = Path(__file__).resolve().parents[3]
DECLARED = {
    "gramex_apps": [],
    "gramex_state": "present",
    "gramex_remove_data": False,
    "gramex_allow_unverified_os": False,
    "winservice_root": "C:\\gramex",
    "winservice_data": "D:\\data",
    "nginx_state": "present",
    "nginx_tls": "selfsigned",
    "nginx_hsts": 63072000,
    "nginx_certificates": {},
    "nginx_acme_root": "/var/lib/gramex-acme",
    "nginx_http_port": 80,
    "nginx_https_port": 443,
}
FACTS = {"init": "systemd", "hostname": "machine"}
GROUPS = ["gramex", "proxy"]


@pytest.fixture
def planned() -> Callable[..., tuple[dict[str, Any], list[str]]]:
    """Return a function: variables (and host, facts, base) to the plan and the texts of all problems."""

    def plan(
        variables: Mapping[str, Any],
        host: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
        base: str = str(ROOT),
    ) -> tuple[dict[str, Any], list[str]]:
        told = {
            "name": "web1",
            "groups": GROUPS,
            "names": ["web1", "web2", "gramex", "proxy", "staging"],
            **(host or {}),
        }
        own = Host(told["name"], frozenset(told["groups"]), frozenset(told["names"]), frozenset(told.get("others", ())))
        checker = Checker()
        checked = check(variables, DECLARED, own, base, checker)
        made = make(checked, {**FACTS, **(facts or {})}, "proxy" in own.groups)
        return made, [str(problem) for problem in checker.problems]

    return plan
