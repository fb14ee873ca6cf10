"""Fixtures for tests on the hosts of a molecule scenario. `molecule verify -s NAME` runs them on hosts that stand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from testinfra.host import Host

from system import traces
from system.controller import Controller
from system.target import REMOTE, Browser, Target, container_name, root_folder

SCENARIO = os.environ.get("MOLECULE_SCENARIO_NAME", "")
# Without a scenario there are no hosts: only the tests of the tools beside this file run.
collect_ignore = [] if SCENARIO else [place.parent.name for place in root_folder().glob("molecule/*/molecule.yml")]

AUTHORITY = "/etc/gramex/tls/localhost/cert.pem"


def _inventory() -> Path:
    return root_folder() / "molecule" / SCENARIO / "inventory"


def _targets() -> list[Target]:
    described = yaml.safe_load((_inventory() / "hosts.yml").read_text(encoding="utf-8"))
    hosts = described["containers"]["hosts"]
    return [Target(name, container_name(SCENARIO, name), host["test_init"]) for name, host in hosts.items()]


TARGETS = _targets() if SCENARIO else []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "init(*names): run the test on hosts with one of these init systems only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `target` runs on each host; mark `init("systemd")` to choose among them."""
    if "target" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("init")
        chosen = [target for target in TARGETS if not marker or target.init in marker.args]
        metafunc.parametrize("target", chosen, ids=[target.name for target in chosen])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that is for none of the scenario's hosts is left out; another scenario with the same file runs it."""
    inits = {target.init for target in TARGETS}
    for_none = [
        item for item in items if TARGETS and (mark := item.get_closest_marker("init")) and not inits & set(mark.args)
    ]
    config.hook.pytest_deselected(items=for_none)
    items[:] = [item for item in items if item not in for_none]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test on a host first shows what the services there wrote."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if not report.failed:
        return
    target = getattr(item, "funcargs", {}).get("target")
    for one in [target] if target else TARGETS:
        reporter = item.config.get_terminal_writer()
        reporter.line()
        reporter.line(f"--- journal of {one.name}, before the failure of {item.name}")
        reporter.line(one.journal())
        reporter.line("---")


@pytest.fixture(scope="session")
def targets() -> Iterator[list[Target]]:
    """All hosts of the scenario."""
    yield TARGETS
    for target in TARGETS:
        target.close()


@pytest.fixture(scope="session")
def references(targets: list[Target]) -> dict[str, dict[str, Any]]:
    """By host: its state if it had nothing but the packages that it has now, see traces.reference."""
    tools = root_folder() / "tests" / "system" / "remote"

    def one(target: Target) -> dict[str, Any]:
        before = json.loads(target.output(f"cat {REMOTE}/before.json"))
        return traces.reference(target.image(), traces.new_packages(before, target.snapshot()), tools)

    with ThreadPoolExecutor() as pool:
        return dict(zip([target.name for target in targets], pool.map(one, targets), strict=True))


@pytest.fixture
def host(target: Target) -> Host:
    """The host through testinfra."""
    return testinfra.get_host(f"docker://{target.container}")


@pytest.fixture
def browser(target: Target) -> Browser:
    """A new user at https://localhost of the host, who trusts the host's own certificate."""
    return Browser(target, AUTHORITY)


@pytest.fixture(scope="session")
def controller() -> Controller:
    """Where playbooks run."""
    return Controller(root_folder(), _inventory())


@pytest.fixture(scope="session")
def apps() -> Path:
    """The apps' folders on the controller, which tests may change."""
    return next(
        (root_folder() / "build" / "test" / f"{SCENARIO}{os.environ.get('GRAMEX_TEST_RUN', '')}").glob("**/site")
    ).parent
