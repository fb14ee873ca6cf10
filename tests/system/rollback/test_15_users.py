"""Ten changes, ten rollbacks and ten failures with users of every kind, through nginx and directly; crashes, a restart.

Nobody loses a request, and no websocket or event stream is ended before its time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from system import state, visit
from system.controller import Controller, Play
from system.target import Browser, Target

APP = "steady"
TURNS = 10
DRAIN = 5  # seconds, as the inventory says
PROCESSES = 2
LONGEST = 1500  # seconds, should the plays hang
SLOW = 2  # seconds that the app's slow answer takes
PORTS = (8101, 8102)
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"  # what systemd's message is called when a unit is told to stop
KINDS = ("get={}/", "get={}/slow", "upload={}/upload", "events={}/events", "live={}/live")
CLIENTS = 8  # of the kinds, those that ask come with and without a kept connection


def users(root: str) -> list[str]:
    """Options of a load with one user of each kind."""
    socket = root.replace("http", "ws", 1)
    return ["--" + kind.format(socket if kind.startswith("live") else root) for kind in KINDS]


@dataclass
class Story:
    """What the plays did, what users met by the way that they came, and the processes that had served before."""

    changes: list[Play] = field(default_factory=list)
    rollbacks: list[Play] = field(default_factory=list)
    moves: list[Play] = field(default_factory=list)
    failures: list[Play] = field(default_factory=list)
    untouched: list[bool] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    loads: dict[str, dict[str, Any]] = field(default_factory=dict)
    former: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


def alone(host: Target) -> None:
    """Wait until the colour that does not serve has ended."""
    states = "active,activating,deactivating,reloading"
    listed = f"systemctl list-units --plain --no-legend --state={states} 'gramex-{APP}@*' | wc -l"
    host.wait(f"test $({listed}) = {PROCESSES}", 60)


@pytest.fixture(scope="module")
def story(controller: Controller, host: Target, apps: Path) -> Story:
    """Half of the turns with the app at a socket, the others at a port, with failures there; then at another port."""
    told = Story()
    page, module = apps / APP / "index.html", apps / APP / "steady_users.py"

    def play(plays: list[Play], playbook: str, *options: str) -> None:
        told.former.update(state.processes(host, APP))
        plays.append(controller.play(playbook, *options))
        assert plays[-1].code == 0, plays[-1].end
        told.served.append(host.output(f"cat /srv/gramex/{APP}/run/$(cat /srv/gramex/{APP}/active)-1/index.html"))

    def turns(numbers: range, *options: str) -> None:
        for number in numbers:
            page.write_text(f"<h1>Version {number}</h1>\n", encoding="utf-8")
            play(told.changes, "site.yml", *options)
            play(told.rollbacks, "ansible/playbooks/rollback.yml", "-e", f"app={APP}")
        alone(host)

    def failures(*options: str) -> None:
        """Releases that end at once, or whose health path is not there, and each time other ones."""
        right, before = module.read_text(encoding="utf-8"), state.processes(host, APP)
        for number in range(TURNS):
            page.unlink(missing_ok=True)
            if number % 2:
                page.write_text(f"<h1>Fault {number}</h1>\n", encoding="utf-8")
            fault = 'if "GRAMEX_INSTANCE" in os.environ:\n    os._exit(3)\n' if number % 2 else ""
            module.write_text(f"{right}\n\n# Fault {number}\n{fault}", encoding="utf-8")
            told.failures.append(controller.play("site.yml", *options))
            told.untouched.append(state.processes(host, APP) == before)
        module.write_text(right, encoding="utf-8")

    with host.load(*users("https://localhost/steady"), seconds=LONGEST) as told.loads["nginx"]:
        with host.load(*users("unix:/run/gramex/steady.sock:"), seconds=LONGEST) as told.loads["socket"]:
            turns(range(1, TURNS // 2 + 1))
        play(told.moves, "site.yml", "-e", f"test_port={PORTS[0]}")
        with host.load(*users(f"http://127.0.0.1:{PORTS[0]}"), seconds=LONGEST) as told.loads["port"]:
            turns(range(TURNS // 2 + 1, TURNS + 1), "-e", f"test_port={PORTS[0]}")
            failures("-e", f"test_port={PORTS[0]}")
            turns(range(TURNS + 1, TURNS + 2), "-e", f"test_port={PORTS[0]}")
        play(told.moves, "site.yml", "-e", f"test_port={PORTS[1]}")
        alone(host)
    return told


def figures(what: str, plays: list[Play]) -> None:
    print(f"{what}: {', '.join(f'{play.seconds:.1f}' for play in plays)} s")


def test_each_change_served_and_each_rollback_brought_the_one_before(story: Story) -> None:
    figures("changes", story.changes)
    figures("rollbacks", story.rollbacks)
    figures("changes of the address", story.moves)
    half, first = TURNS // 2, "<h1>Version 0</h1>"
    pairs = [[f"<h1>Version {number}</h1>", first] for number in range(1, TURNS + 2)]
    expected = [version for pair in pairs for version in pair]
    assert story.served == [*expected[: 2 * half], first, *expected[2 * half :], first]


def test_ten_failures_before_a_good_change_touch_nothing(story: Story) -> None:
    figures("failures", story.failures)
    assert [play.code != 0 for play in story.failures] == [True] * TURNS
    assert [f"app {APP}: " in play.output for play in story.failures] == [True] * TURNS, story.failures[0].end
    assert story.untouched == [True] * TURNS


@pytest.mark.parametrize("way", ["nginx", "socket", "port"])
def test_no_request_fails(story: Story, way: str) -> None:
    load = story.loads[way]
    print(f"{way}: {load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["failed"] == 0, load["errors"]
    assert len(load["clients"]) == CLIENTS, load["clients"]
    assert min(load["clients"].values()) >= TURNS, load["clients"]
    if way == "socket":  # nginx ends kept connections at a change of the address, a port those that are idle for long
        assert load["reopened"] == 0, "a kept connection was closed without a word"


@pytest.mark.parametrize("way", ["nginx", "socket", "port"])
def test_websockets_and_event_streams_have_the_drain_time(story: Story, host: Target, way: str) -> None:
    journal = host.output(f"journalctl -o json --output-fields=UNIT,_SOURCE_REALTIME_TIMESTAMP MESSAGE_ID={STOPPING}")
    stops: dict[str, list[float]] = {}
    for line in journal.splitlines():
        entry = json.loads(line)
        unit, at = entry["UNIT"], int(entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry["__REALTIME_TIMESTAMP"])
        stops.setdefault(unit, []).append(at / 1e6)
    ended = story.loads[way]["ended"]
    for kind in ("Live", "Events"):
        assert len([one for one in ended if one["url"].startswith(kind)]) >= TURNS // 2, ended
    for one in ended:
        told = [stop for stop in stops[f"gramex-{APP}@{one['process']}.service"] if stop < one["ended"]]
        assert one["ended"] - max(told) > DRAIN - 0.1, one


def test_every_process_of_former_colours_is_gone(story: Story, host: Target) -> None:
    left = state.processes(host, APP)
    assert len(left) == PROCESSES
    assert len(story.former) >= 2 * TURNS * PROCESSES
    assert story.former.isdisjoint(left)


def test_the_former_addresses_are_gone(story: Story, host: Target) -> None:
    listens = host.output("ss -lnt")
    assert f":{PORTS[1]} " in listens
    assert f":{PORTS[0]} " not in listens
    assert host.run("test -e /run/gramex/steady.sock").returncode == 1


@pytest.fixture(scope="module")
def crashes(story: Story, host: Target) -> dict[str, Any]:
    """What users met while one of two processes of an app, and the only one of another, was killed again and again."""

    def kill(app: str, number: int) -> None:
        unit = f"gramex-{app}@{host.output(f'cat /srv/gramex/{app}/active')}-{number}.service"
        life = f"systemctl show --property=InvocationID --value {unit}"
        before = host.output(life)
        host.output(f"systemctl kill --signal=KILL {unit}")
        host.wait(f'test "$({life})" != "{before}" && systemctl is-active -q {unit}', 60)

    # One that was asked again when its process was killed is not to meet the next one's end: so much is not promised.
    options = [f"--get=https://localhost/{path}" for path in ("steady/", "steady/slow", "api/")]
    with host.load(*options, *options, "--pause=0.02", seconds=600) as load:
        for number in (1, 2, 1):
            kill(APP, number)
            kill("api", 1)
            time.sleep(SLOW)
    return load


def test_a_killed_process_costs_no_request_that_may_be_repeated(crashes: dict[str, Any]) -> None:
    print(f"{crashes['requests']} requests, {crashes['failed']} failed, slowest {crashes['slowest']:.2f} s")
    assert crashes["failed"] == 0, crashes["errors"]
    assert min(crashes["clients"].values()) > 2, crashes["clients"]


@pytest.fixture(scope="module")
def restarted(story: Story, host: Target) -> Iterator[tuple[Browser, dict[str, tuple[str, str]]]]:
    """Somebody who logged in before the machine was restarted; the colour and the release of each app before."""
    browser = Browser(host, "/etc/gramex/tls/localhost/cert.pem")
    assert visit.log_in(browser, "from the vault") == 302
    before = standing(host)
    host.restart()
    host.wait("ss -lnt | grep -q :443")
    return browser, before


def standing(host: Target) -> dict[str, tuple[str, str]]:
    """The colours that run and the release that serves, by app."""
    names = host.output("ls /srv/gramex").split()
    links = "readlink -f /srv/gramex/{0}/run/$(cat /srv/gramex/{0}/active)-1"
    return {name: (state.colour(host, name), host.output(links.format(name))) for name in names}


def test_after_a_restart_what_was_rolled_back_to_serves(
    restarted: tuple[Browser, dict[str, tuple[str, str]]], host: Target
) -> None:
    browser, before = restarted
    assert len(before) > 3
    assert standing(host) == before
    assert browser.get("/steady/").text == "<h1>Version 0</h1>\n"
    assert len(state.processes(host, APP)) == PROCESSES
    assert visit.is_member(browser), "the session was lost"
    for path in ("/", "/api/", "/mixed/repository/", "/copied/"):
        assert browser.get(path).status == 200
