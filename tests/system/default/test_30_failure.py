"""Ten releases that do not work, then one that does: the one that serves never notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from system import state
from system.controller import Controller, Play
from system.target import Browser, Target

FAILURES = 10
HOME = """
url:
  api/home:
    pattern: /$YAMLURL/
    handler: FunctionHandler
    kwargs: {{function: broken{number}.home}}
"""
# How apps break: at the first request, before it, or for good.
BREAKS = (
    "def home():\n    raise ValueError('no answer {number}')\n",
    "import missing{number}\n",
    "raise SystemExit({number})\n",
)


@dataclass
class Failures:
    """The plays that had to fail, the one that had not, what users met by host, and who served before."""

    bad: list[Play]
    good: Play
    load: dict[str, dict[str, Any]]
    served: dict[str, tuple[str, list[str]]]
    meanwhile: dict[str, tuple[str, list[str]]]


@pytest.fixture(scope="module")
def failures(targets: list[Target], controller: Controller, apps: Path) -> Iterator[Failures]:
    """Break one app ten times, each time differently, under load."""
    config = apps / "api" / "gramex.yaml"
    right = config.read_text(encoding="utf-8")
    systemd = [target for target in targets if target.init == "systemd"]

    def serving() -> dict[str, tuple[str, list[str]]]:
        return {target.name: (state.colour(target, "api"), state.processes(target, "api")) for target in systemd}

    served = serving()
    bad = []
    with ExitStack() as loads:
        load = {
            target.name: loads.enter_context(
                target.load("--get=https://localhost/api/add?x=1", "--post=https://localhost/api/entries", seconds=900)
            )
            for target in targets
        }
        for number in range(FAILURES):
            module = apps / "api" / f"broken{number}.py"
            module.write_text(BREAKS[number % len(BREAKS)].format(number=number), encoding="utf-8")
            home = right.index("url:\n"), right.index("  api/add:")
            config.write_text(right[: home[0]] + HOME.format(number=number) + right[home[1] :], encoding="utf-8")
            bad.append(controller.play())
            module.unlink()
        meanwhile = serving()
        config.write_text(right.replace("# A JSON API", "# A good JSON API"), encoding="utf-8")
        good = controller.play()
    return Failures(bad, good, load, served, meanwhile)


def test_each_bad_release_is_refused_with_its_reason(failures: Failures) -> None:
    reasons = ("no answer", "missing", "")
    for number, play in enumerate(failures.bad):
        assert play.code != 0, f"deploy {number} of a broken app succeeded:\n{play.end}"
        assert "api" in play.end
        assert reasons[number % len(reasons)] in play.output, play.end


@pytest.mark.init("systemd")
def test_the_old_release_never_noticed(failures: Failures, target: Target) -> None:
    assert failures.meanwhile[target.name] == failures.served[target.name]


@pytest.mark.init("systemd")
def test_no_request_fails_during_bad_and_good_deploys(failures: Failures, target: Target) -> None:
    load = failures.load[target.name]
    print(f"{target.name}: {load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["requests"] > 1000
    assert load["failed"] == 0, load["errors"]


def test_the_good_one_is_deployed_after_ten_bad_ones(failures: Failures, target: Target, browser: Browser) -> None:
    assert failures.good.code == 0, failures.good.end
    assert browser.get("/api/").status == 200
    newest = target.output("readlink -f /srv/gramex/api/run/$(cat /srv/gramex/api/active)-1")
    assert "A good JSON API" in target.output(f"cat {newest}/gramex.yaml")


def test_bad_releases_do_not_pile_up(failures: Failures, target: Target) -> None:
    assert len(state.releases(target, "api")) <= 7, "five good ones are kept, and what is needed to know a bad one"


@pytest.mark.init("sysvinit")
def test_without_systemd_the_old_release_is_back_after_a_bad_one(failures: Failures, target: Target) -> None:
    load = failures.load[target.name]
    assert load["requests"] - load["failed"] > 100, load["errors"]
