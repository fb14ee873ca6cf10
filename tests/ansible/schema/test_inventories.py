"""The inventories that come along are right, and the example shows everything there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from gramex_plan.apps import Host
from gramex_plan.plan import check, make
from gramex_plan.schema import load
from gramex_plan.values import Checker

ROOT = Path(__file__).resolve().parents[3]
INVENTORIES = ROOT / "ansible" / "inventories"
HOSTS = [("local", "localhost"), ("example", "web1"), ("example", "web2")]
WINDOWS = ("example", "win1")


def read(file: Path) -> dict[str, Any]:
    """A YAML file, {} when it is empty."""
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def variables(name: str) -> dict[str, Any]:
    """All group variables of an inventory; a template stays a text, which is as good here."""
    files = sorted((INVENTORIES / name / "group_vars").glob("*.yml"))
    return {key: value for file in files for key, value in read(file).items()}


def declared() -> dict[str, Any]:
    """Every variable of every role."""
    files = (ROOT / "ansible" / "roles").glob("*/defaults/main.yml")
    return {key: value for file in files for key, value in read(file).items()}


def plan(name: str, host: str) -> dict[str, Any]:
    """The plan of a host; its problems are none."""
    groups = read(INVENTORIES / name / "hosts.yml")["all"]["children"]
    own = frozenset(group for group, content in groups.items() if host in content["hosts"])
    names = frozenset({*groups, *(each for content in groups.values() for each in content["hosts"])})
    checker = Checker()
    checked = check(variables(name), declared(), Host(host, own, names), str(INVENTORIES / name), checker)
    assert [str(problem) for problem in checker.problems] == []
    init = "windows" if "windows" in own else "systemd"
    return make(checked, {"init": init, "hostname": "machine"}, "proxy" in own)


@pytest.mark.parametrize(("name", "host"), HOSTS)
def test_it_is_right(name: str, host: str) -> None:
    assert plan(name, host)["sites"]


def test_a_windows_host_is_right() -> None:
    (app,) = plan(*WINDOWS)["apps"]
    assert (app["service"], app["url"]) == ("gramex-intranet", "http://intranet.example.com:8001/")


def test_local_serves_the_examples() -> None:
    made = plan("local", "localhost")
    assert {app["name"]: app["url"] for app in made["apps"]} == {
        "site": "https://localhost/",
        "api": "https://localhost/api/",
        "shared": "https://localhost/shared/",
    }
    assert [app["path"] for app in made["apps"][2]["apps"]] == ["/one/", "/two/"]


def test_example_spreads_apps_over_hosts() -> None:
    assert [[app["name"] for app in plan("example", host)["apps"]] for host in ("web1", "web2")] == [
        ["site", "api"],
        ["tryout"],
    ]


def test_example_shows_every_key_and_every_variable() -> None:
    shown = variables("example")
    built = {name for name, rule in load().apps.items() if rule.built}
    assert {key for app in shown["gramex_apps"] for key in app} == built
    assert set(declared()) - set(shown) == set()
