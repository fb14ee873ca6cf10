"""What a host must be like before anything is put on it."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_plan import windows
from gramex_plan.hosts import judge

APP = {
    "name": "site",
    "state": "present",
    "python": "/usr/bin/python3",
    "port": None,
    "user": "gramex-site",
    "tls": "selfsigned",
    "expose": False,
    "schedule": [],
    "distribution": "gramex-runtime",
}
PYTHON = {"version": [3, 11, 2], "venv": True, "reachable": True, "error": ""}
FIT: dict[str, Any] = {
    "uid": 0,
    "user": "root",
    "os": "debian",
    "os_version": "12",
    "os_name": "Debian GNU/Linux 12 (bookworm)",
    "python": {"/usr/bin/python3": PYTHON},
    "free_mb": {"/srv/gramex": 5000},
    "listeners": {},
    "indexes": {},
    "init": "systemd",
    "packages": {"venv": True, "nginx": True, "cron": False},
    "preflight": {"memory_mb": 1000, "new_apps": [], "off": 0.0, "sources": {}},
}
APACHE = {"program": "apache2", "pid": 42, "user": "www-data"}
NGINX = {"program": "nginx", "pid": 43, "user": "root"}


def said(change: dict[str, Any], app: dict[str, Any] | None = None, proxy: bool = True, **settings: Any) -> list[str]:
    """The problems of a host that is fit but for a change."""
    return [str(problem) for problem in judge({**FIT, **change}, [{**APP, **(app or {})}], settings, proxy)]


@pytest.mark.parametrize("version", ["12", "13"])
def test_fit(version: str) -> None:
    assert said({"os_version": version, "listeners": {"80": [NGINX], "443": [NGINX], "22": [APACHE]}}) == []


def test_not_root() -> None:
    assert said({"uid": 1000, "user": "ann", "listeners": {"80": [{"program": "", "pid": 0, "user": ""}]}}) == [
        "privileges: the deploy runs as ann, and needs root for users, services and nginx.\n"
        "Right: run it as root, or with `--become --ask-become-pass` where sudo is set up"
    ]


@pytest.mark.parametrize(("name", "version"), [("debian", "11"), ("ubuntu", "24.04"), ("", "")])
def test_other_systems(name: str, version: str) -> None:
    change = {"os": name, "os_version": version, "os_name": "Something 1"}
    assert said(change) == [
        "operating system: Something 1 is not supported. Tested are: Debian 12 and 13.\n"
        "Right: gramex_allow_unverified_os: true  # to try it all the same"
    ]
    assert said(change, gramex_allow_unverified_os=True) == []


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ({"version": [3, 9, 2]}, "/usr/bin/python3 is Python 3.9.2, too old: 3.10 or newer is needed."),
        ({"version": [], "error": "it is no Python 3"}, "/usr/bin/python3 does not run: it is no Python 3."),
        ({"reachable": False}, "/usr/bin/python3 is in a folder that the app's user cannot enter."),
    ],
)
def test_python(python: dict[str, Any], message: str) -> None:
    problems = said({"python": {"/usr/bin/python3": {**PYTHON, **python}}})
    assert len(problems) == 1
    assert problems[0].startswith(f"python of site: {message}")


def test_tasks_by_the_clock_need_something_that_starts_them() -> None:
    app = {"schedule": [{"name": "nightly"}]}
    assert said({}, app) == said({"init": "sysv"}) == []
    assert said({"init": "sysv", "packages": {"cron": True}}, app) == []
    assert said({"init": "sysv"}, app) == [
        "schedule of site: there is neither systemd nor cron on this host to start its tasks.\n"
        "Right: apt-get install cron"
    ]


def test_ports_of_the_proxy() -> None:
    taken = {"80": [APACHE], "443": [NGINX, APACHE]}
    assert said({"listeners": taken}) == [
        f"port {port}: is taken by apache2 (process 42, user www-data). nginx needs it.\nRight: stop apache2"
        for port in (80, 443)
    ]
    assert said({"listeners": taken}, proxy=False) == []
    assert len(said({"listeners": taken}, {"tls": "none"})) == 1
    assert said({"listeners": taken}, nginx_http_port=8080, nginx_https_port=8443) == []


def test_port_that_nobody_admits_to() -> None:
    problems = said({"listeners": {"443": [{"program": "", "pid": 0, "user": ""}]}})
    assert problems[0].startswith("port 443: is taken by a program outside this machine's view")


def test_port_of_an_app() -> None:
    app = {"port": 8001}
    assert said({"listeners": {"8001": [APACHE]}}, app) == [
        "port 8001 of site: is taken by apache2 (process 42, user www-data).\n"
        "Right: stop apache2, or give the app another port"
    ]
    own = [{"program": "python", "pid": 7, "user": "gramex-site"}, {"program": "systemd", "pid": 1, "user": "root"}]
    assert said({"listeners": {"8001": own}}, app) == []


def test_disk() -> None:
    assert said({"free_mb": {"/srv/gramex": 299, "/etc/gramex": 300}}) == [
        "disk space at /srv/gramex: 299 MB are free, 300 MB are needed."
    ]


def test_index_and_the_way_without() -> None:
    index = {"url": "https://index.example/simple", "ok": False, "error": "Connection refused"}
    assert said({"indexes": {"Python package index": index}}) == [
        "Python package index: https://index.example/simple does not answer: Connection refused. "
        "Where there is no way to it, the offline bundle (`make bundle`) installs without a network."
    ]
    assert said({"indexes": {"Python package index": {**index, "ok": True}}}) == []


def test_removing_needs_root_alone() -> None:
    change = {"os_version": "9", "listeners": {"80": [APACHE]}, "free_mb": {"/": 0}, "uid": 1, "user": "ann"}
    problems = said(change, {"state": "absent"})
    assert len(problems) == 1
    assert problems[0].startswith("privileges: ")


def test_everything_at_once() -> None:
    change = {"os": "arch", "python": {}, "free_mb": {"/": 1}, "listeners": {"80": [APACHE]}}
    assert [problem.split(":")[0] for problem in said(change)] == [
        "operating system",
        "python of site",
        "disk space at /",
        "port 80",
    ]


def test_each_new_app_needs_room_on_the_disk() -> None:
    def short(free: int, *apps: str) -> list[str]:
        preflight = {**FIT["preflight"], "new_apps": apps, "memory_mb": None}
        return said({"free_mb": {"/srv/gramex": free}, "preflight": preflight})

    assert short(300) == short(300, "one") == short(750, *"abcdefghij") == []
    assert short(749, *"abcdefghij") == ["disk space at /srv/gramex: 749 MB are free, 750 MB are needed."]


def test_memory() -> None:
    def short(memory: int | None, *apps: str) -> list[str]:
        return said({"preflight": {"memory_mb": memory, "new_apps": apps, "off": 0.0, "sources": {}}})

    assert short(None) == short(100) == short(220, "one", "two") == []
    assert short(99) == ["memory: 99 MB are free, 100 MB are needed."]
    assert short(219, "one", "two") == ["memory: 219 MB are free, 220 MB are needed, 60 MB of it for each new app."]


@pytest.mark.parametrize(
    ("off", "text", "warning"),
    [
        (5.0, "", False),
        (-6.2, "clock: is 6 s behind the controller's.", True),
        (300.0, "clock: is 300 s ahead of the controller's.", True),
        (301.0, "clock: is 301 s ahead of the controller's.", False),
        (-90000.0, "clock: is 90000 s behind the controller's.", False),
    ],
)
def test_clock(off: float, text: str, warning: bool) -> None:
    problems = judge({**FIT, "preflight": {**FIT["preflight"], "off": off}}, [APP], {}, True)
    found = [(str(problem).splitlines()[0], problem.warning) for problem in problems]
    assert found == ([(text, warning)] if text else [])


def test_a_source_that_was_to_be_on_the_host() -> None:
    told = {"host": "/opt/site", "what": "gramex_apps[0] (site).source", "where": "group_vars/all.yml:3"}
    error = "there is no folder /opt/site on web1"
    change = {"preflight": {**FIT["preflight"], "sources": {"site": error, "api": ""}}}
    assert said(change, {"source": told}) == [
        f"group_vars/all.yml:3: gramex_apps[0] (site).source: {error}.\nRight: copy the app there"
    ]
    assert said({"preflight": {**FIT["preflight"], "sources": {"site": ""}}}, {"source": told}) == []


def test_who_can_mend_it() -> None:
    change = {
        "os_version": "9",
        "free_mb": {"/srv/gramex": 1},
        "listeners": {"80": [APACHE]},
        "indexes": {"Python package index": {"url": "https://index.example", "ok": False, "error": "no answer"}},
        "preflight": {"memory_mb": 1, "new_apps": [], "off": 1000.0, "sources": {"site": "there is no folder"}},
        "python": {"/usr/bin/python3": {**PYTHON, "reachable": False}},
    }
    app = {**APP, "source": {"host": "/opt/site", "what": "source of site", "where": ""}}
    found = {problem.what: problem.who for problem in judge({**FIT, **change}, [app], {}, True)}
    assert found == {
        "operating system": "IT team",
        "python of site": "you",
        "disk space at /srv/gramex": "IT team",
        "memory": "IT team",
        "clock": "IT team",
        "Python package index": "IT team",
        "source of site": "IT team",
        "port 80": "you",
    }


WINDOWS = {
    "ansible_distribution_version": "10.0.20348.0",
    "ansible_architecture": "64-bit",
    "ansible_architecture2": "x86_64",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"ansible_distribution_version": "6.3.9600.0"}, "Windows 6.3.9600.0 is too old: Windows Server 2016 or newer"),
        ({"ansible_architecture2": "arm64"}, "the wheels are for x64"),
        ({"ansible_architecture": None}, "no administrator"),
        ({"ansible_distribution_version": None}, "is too old"),
    ],
    ids=str,
)
def test_a_windows_host(changes: dict[str, Any], said: str) -> None:
    found = [str(problem) for problem in windows.judge({**WINDOWS, **changes})]
    assert len(found) == bool(said)
    assert said in "".join(found)
