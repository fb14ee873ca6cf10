"""What a service is: as many processes as told, on a port for everybody, within limits, with all else shut to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import state
from system.controller import Controller
from system.target import Target, root_folder

APP = "open"


def address(target: Target) -> str:
    command = ["docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", target.container]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def ask(source: Target, host: str, path: str = "/", times: int = 1) -> list[str]:
    """What an app answers to another host, each time on a new connection."""
    code = f"[print(u.urlopen('http://{host}:8001{path}', timeout=20).read().decode()) for _ in range({times})]"
    return source.output(f'python3 -c "import urllib.request as u; {code}"', timeout=120).splitlines()


def attempt(target: Target, what: str, to: str) -> str:
    """What comes of something that the app tries."""
    return ask(target, "127.0.0.1", f"/do/{what}?to={to}")[0]


@pytest.fixture(scope="module")
def other(targets: list[Target]) -> dict[str, Target]:
    """For each host the other one."""
    first, second = targets
    return {first.name: second, second.name: first}


def test_an_exposed_port_answers_other_machines(target: Target, other) -> None:
    assert ask(other[target.name], address(target))[0].startswith("one ")


@pytest.mark.init("systemd")
def test_as_many_processes_as_told_share_the_port(target: Target) -> None:
    answers = {line.split(" ", 1)[1] for line in ask(target, "127.0.0.1", times=200)}
    assert {answer.split("-")[-1] for answer in answers} == {"1", "2"}
    assert len(answers) == 2


@pytest.mark.init("systemd")
def test_what_it_does_not_need_is_shut(target: Target, other) -> None:
    host = address(other[target.name])
    assert attempt(target, "talk", f"{host}:8001") in ("PermissionError", "TimeoutError")
    assert attempt(target, "talk", "127.0.0.1:8001") == "connected"
    assert attempt(target, "write", "/srv/gramex/x") in ("PermissionError", "OSError")


@pytest.mark.init("systemd")
def test_limits_hold(target: Target) -> None:
    assert attempt(target, "threads", "100") == "RuntimeError"
    assert attempt(target, "threads", "10") == "10"
    before = state.processes(target, APP)
    done = target.run(
        "python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:8001/do/memory?to=600', timeout=20)\""
    )
    assert done.returncode, "600 MB in a process that may have 300"
    target.wait(f"test $(systemctl list-units --plain --no-legend --state=active 'gramex-{APP}@*' | wc -l) = 2")
    after = state.processes(target, APP)
    assert len(set(before) & set(after)) == 1


@pytest.mark.init("systemd")
@pytest.mark.parametrize("unit", ["gramex-clock@blue-1.service", "gramex-clock:fails.service"])
def test_a_plain_unit_is_little_exposed(target: Target, unit: str) -> None:
    said = target.output(f"systemd-analyze security --no-pager '{unit}' | tail -1")
    assert float(re.findall(r"(\d+\.\d+)", said)[-1]) <= 1.2, said


@pytest.mark.init("systemd")
def test_a_stopped_process_is_started_beside_the_one_that_serves(target: Target, controller: Controller) -> None:
    before = set(state.processes(target, APP))
    target.output(f"systemctl stop gramex-{APP}@$(cat /srv/gramex/{APP}/active)-2.service")
    play = controller.deploy("--limit", target.name)
    assert play.changed[target.name], play.end
    after = set(state.processes(target, APP))
    assert (len(after), len(after & before)) == (2, 1)


@pytest.fixture
def changed() -> Iterator[Path]:
    """The code of the app, which the test may change."""
    run = os.environ.get("GRAMEX_TEST_RUN", "")
    place = root_folder() / "build" / "test" / f"schedule{run}" / "open" / "work.py"
    before = place.read_text(encoding="utf-8")
    yield place
    place.write_text(before, encoding="utf-8")


def test_one_that_crashes_while_it_is_observed_gives_way(targets: list[Target], controller, changed: Path) -> None:
    before = {target.name: (state.colour(target, APP), state.processes(target, APP)) for target in targets}
    text = changed.read_text(encoding="utf-8").replace('"one"', '"two"')
    # Asked for its health it is well, and ends soon after.
    crash = "    threading.Timer(2, lambda: (print('out of luck', flush=True), os._exit(3))).start()\n"
    changed.write_text(text.replace("def home():\n", f"def home():\n{crash}"), encoding="utf-8")
    play = controller.play("site.yml", "-e", json.dumps({"gramex_serial": ["100%"]}))
    assert play.code != 0
    assert "The one before it serves again" in play.output, play.end
    assert "out of luck" in play.output, play.end
    for target in targets:
        colour, processes = before[target.name]
        target.wait(f"test $(cat /srv/gramex/{APP}/active) = {colour}")
        # Without systemd two colours cannot have the same port: there the one before was started again.
        kept = set(processes) <= set(state.processes(target, APP))
        assert kept or target.init != "systemd", "the one before was not kept running"
        assert not ask(target, "127.0.0.1")[0].startswith("two ")
        record = json.loads(target.output(f"cat /srv/gramex/{APP}/record.json"))
        assert "bad" in {release["state"] for release in record["releases"].values()}


def test_one_that_holds_out_serves_alone(targets: list[Target], controller: Controller, changed: Path) -> None:
    changed.write_text(changed.read_text(encoding="utf-8").replace('"one"', '"three"'), encoding="utf-8")
    controller.deploy()
    for target in targets:
        other = {"blue": "green", "green": "blue"}[target.output(f"cat /srv/gramex/{APP}/active")]
        if target.init == "systemd":
            ended = f"! systemctl list-units --plain --no-legend --state=active 'gramex-{APP}@{other}-*' | grep -q ."
            target.wait(ended)
        assert {line.split()[0] for line in ask(target, "127.0.0.1", times=20)} == {"three"}
