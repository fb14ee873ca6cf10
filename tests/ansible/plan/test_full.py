"""Apps on the full Gramex: what they take of the list, and which hosts are fit for it."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_plan.hosts import judge

APP = {"name": "site", "source": "examples/site", "distribution": "gramex", "port": 8001}
LISTED = "gramex_apps[0] (site)"
FIT: dict[str, Any] = {
    **{"uid": 0, "user": "root", "os": "debian", "os_version": "12", "os_name": "Debian", "machine": "x86_64"},
    "python": {"/usr/bin/python3": {"version": [3, 11, 2], "venv": True, "reachable": True, "error": ""}},
    "free_mb": {"/srv/gramex": 5000},
    "listeners": {},
    "indexes": {},
    "init": "systemd",
    "preflight": {"memory_mb": 1000, "new_apps": ["site"], "off": 0.0, "sources": {}},
}
PLANNED = {
    **{"name": "site", "state": "present", "python": "/usr/bin/python3", "user": "gramex-site", "tls": "none"},
    **{"port": 8001, "expose": False, "schedule": [], "distribution": "gramex"},
}


def test_it_has_a_port_and_nginx_before_it(planned) -> None:
    plan, problems = planned({"gramex_apps": [{**APP, "needs": ["https"], "limits": {"memory": "1G"}, "observe": 5}]})
    assert problems == []
    assert plan["apps"][0]["upstream"] == "127.0.0.1:8001"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"port": None}, f"{LISTED}.port: is missing: Gramex 1.94.5 has no UNIX socket.\nRight: port: 8001"),
        ({"instances": 2}, f"{LISTED}.instances: Gramex 1.94.5 runs as one process: two would write the same session"),
        ({"expose": True}, f"{LISTED}.expose: Gramex 1.94.5 listens on this machine alone, and nginx serves it."),
        (
            {"source": None, "apps": [{"name": "one", "source": "examples/shared/one"}]},
            f"{LISTED}.apps: several apps in one instance need this runtime",
        ),
        ({"distribution": "full-gramex"}, f'{LISTED}.distribution: "full-gramex" is none of gramex-runtime, gramex.'),
    ],
)
def test_what_it_cannot_do_is_refused_with_the_reason(planned, keys: dict[str, Any], said: str) -> None:
    app = {key: value for key, value in {**APP, **keys}.items() if value is not None}
    _, problems = planned({"gramex_apps": [app]})
    assert len(problems) == 1
    assert problems[0].startswith(said)


def test_windows_hosts_are_refused(planned) -> None:
    host = {"groups": ["windows"], "names": ["web1", "windows"]}
    _, problems = planned({"gramex_apps": [APP]}, host, {"init": "windows"})
    assert problems == [f"{LISTED}.distribution: is not for Windows hosts: the full Gramex is for Linux hosts."]
    assert planned({"gramex_apps": [{**APP, "distribution": "gramex-runtime"}]}, host, {"init": "windows"})[1] == []


def said(facts: dict[str, Any] | None = None, app: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    return [str(problem) for problem in judge({**FIT, **(facts or {})}, [{**PLANNED, **(app or {})}], settings, True)]


@pytest.mark.parametrize("version", [[3, 10, 0], [3, 11, 2], [3, 12, 12]])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_where_its_wheels_are(version: list[int], machine: str) -> None:
    python = {"/usr/bin/python3": {**FIT["python"]["/usr/bin/python3"], "version": version}}
    assert said({"python": python, "machine": machine}) == []


def test_a_newer_python_is_refused() -> None:
    python = {"/usr/bin/python3": {**FIT["python"]["/usr/bin/python3"], "version": [3, 13, 5]}}
    assert said({"python": python, "os_version": "13"}) == [
        "python of site: /usr/bin/python3 is Python 3.13.5; there are wheels of what Gramex 1.94.5 needs for 3.10 to "
        "3.12 only.\nRight: python: /opt/python3.12/bin/python3, or the runtime of this project: leave `distribution` "
        "out"
    ]
    assert said({"python": python, "os_version": "13"}, {"distribution": "gramex-runtime"}) == []


@pytest.mark.parametrize(
    ("facts", "settings", "message"),
    [
        ({"machine": "armv7l"}, {}, "there are no wheels of what Gramex 1.94.5 needs for armv7l, only for x86_64 and"),
        ({"init": "sysv"}, {}, "Gramex 1.94.5 is started and watched by systemd alone, which this host does not have."),
        (
            {},
            {"gramex_bundle": "b.tar"},
            "a bundle holds this runtime, not Gramex 1.94.5: a package index, or a mirror",
        ),
    ],
)
def test_other_hosts_are_refused(facts: dict[str, Any], settings: dict[str, Any], message: str) -> None:
    (problem,) = said(facts, **settings)
    assert problem.startswith(f"distribution of site: {message}")
    assert said(facts, {"distribution": "gramex-runtime"}, **settings) == []


def test_it_takes_more_room_where_it_is_new() -> None:
    assert said({"free_mb": {"/srv/gramex": 900}}) == [
        "disk space at /srv/gramex: 900 MB are free, 1000 MB are needed."
    ]
    short = {**FIT["preflight"], "memory_mb": 250}
    assert said({"preflight": short}) == [
        "memory: 250 MB are free, 300 MB are needed, 60 MB of it for each new app and 140 MB more for one on the full "
        "Gramex."
    ]
    known = {**short, "new_apps": []}
    assert said({"free_mb": {"/srv/gramex": 900}, "preflight": known}) == []
