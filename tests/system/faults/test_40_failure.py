"""Releases that do not work, one after another, then one that does: each says why, what served before goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from system import state
from system.controller import Controller, Play
from system.target import Browser, Target

APP = "api"
USERS = ("--get=https://localhost/api/add?x=1", "--post=https://localhost/api/entries")
HOME = """
url:
  api/home:
    pattern: /$YAMLURL/
    handler: FunctionHandler
    kwargs: {{function: broken{number}.home}}
"""
# A disk of its own for the app, with so many MB free: what runs has the same files on it.
DISK = """set -e
mkdir -p /mnt/disk && mount -t tmpfs -o size=$((`du -sm {home} | cut -f1` + {room}))m tmpfs /mnt/disk
cp -a {home}/. /mnt/disk && mount --bind /mnt/disk {home}"""


FINE = "def home():\n    return 'fine'\n"


@dataclass(frozen=True)
class Fault:
    """Code of the page that is asked for the app's health, further files, MB free on its disk; what is said of it."""

    says: str
    code: str = FINE
    files: dict[str, str] = field(default_factory=dict)
    room: int = 0
    init: tuple[str, ...] = ("systemd",)  # where it makes a difference


BOTH = ("systemd", "sysvinit")
FAULTS = {
    "crashes at start": Fault(  # not when it is checked
        "out of tea",
        "import os\nif 'GRAMEX_INSTANCE' in os.environ:\n    print('out of tea', flush=True)\n    os._exit(3)\n" + FINE,
        init=BOTH,
    ),
    "crashes at the first request": Fault(
        "the last cup", "import os\ndef home():\n    print('the last cup', flush=True)\n    os._exit(4)\n"
    ),
    "never gets ready": Fault(
        "was not ready within 10 s", "import asyncio\nasync def home():\n    await asyncio.sleep(1000)\n", init=BOTH
    ),
    "answers 500": Fault("no answer", "def home():\n    raise ValueError('no answer')\n"),
    "lacks a module": Fault("missing_tea", "import missing_tea\n"),
    "wants what does not exist": Fault(
        "gramex-no-such-package", files={"requirements.txt": "gramex-no-such-package==1.0\n"}
    ),
    "clashes with the lock": Fault("tornado", files={"requirements.txt": "tornado==5.1\n"}),
    "finds too small a disk": Fault("disk space: ", room=30),
    "fills the disk": Fault(
        "No space left on device", files={"setup.sh": "head -c 1G /dev/zero >all-the-tea\n"}, room=80
    ),
}


@dataclass
class Failures:
    """The plays that had to fail and who served after each, the one that had not, what users met, who served before."""

    chosen: dict[str, Fault]
    bad: dict[str, Play]
    after: dict[str, tuple[str, list[str], list[str]]]
    good: Play
    load: dict[str, Any]
    served: tuple[str, list[str], list[str]]


@pytest.fixture(scope="module")
def host(targets: list[Target]) -> Target:
    return targets[0]


def serving(host: Target) -> tuple[str, list[str], list[str]]:
    """The colour and the processes of the app, and what is on its disk of releases."""
    return state.colour(host, APP), state.processes(host, APP), state.releases(host, APP)


@contextmanager
def broken(apps: Path, fault: Fault, number: int) -> Iterator[None]:
    """The app with a fault while the block runs."""
    folder = apps / APP
    config = folder / "gramex.yaml"
    right = config.read_text(encoding="utf-8")
    files = {f"broken{number}.py": fault.code, **fault.files}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    head, tail = right.split("url:\n", 1)
    config.write_text(
        f"{head}{HOME.format(number=number)}\n  api/add:{tail.split('  api/add:', 1)[1]}", encoding="utf-8"
    )
    try:
        yield
    finally:
        config.write_text(right, encoding="utf-8")
        for name in files:
            (folder / name).unlink()


@contextmanager
def small(host: Target, room: int) -> Iterator[None]:
    """The app's home on a disk with so many MB free while the block runs; 0: as it is."""
    home = f"/srv/gramex/{APP}"
    if room:
        host.output(DISK.format(home=home, room=room))
    try:
        yield
    finally:
        if room:
            host.output(f"umount -l {home} /mnt/disk")


@pytest.fixture(scope="module")
def failures(host: Target, controller: Controller, apps: Path) -> Failures:
    """Break one app in every way, under load."""
    chosen = {name: fault for name, fault in FAULTS.items() if host.init in fault.init}
    served, bad, after = serving(host), {}, {}
    with host.load(*USERS, seconds=900) as load:
        for number, (name, fault) in enumerate(chosen.items()):
            with broken(apps, fault, number), small(host, fault.room):
                bad[name] = controller.play()
                after[name] = serving(host)
        config = apps / APP / "gramex.yaml"
        right = config.read_text(encoding="utf-8")
        config.write_text(right.replace("# A JSON API", "# A good JSON API"), encoding="utf-8")
        good = controller.play()
    return Failures(chosen, bad, after, good, load, served)


def test_each_is_refused_with_its_reason(failures: Failures) -> None:
    for name, play in failures.bad.items():
        print(f"{name}: {play.seconds:.1f} s")
        assert play.code != 0, f"an app that {name} was deployed:\n{play.end}"
        message = play.output[play.output.index("FAILED") :]
        assert f"app {APP}: " in message, play.end
        assert failures.chosen[name].says in message, f"{name}:\n{play.end}"
        assert 'Traceback (most recent call last):\n  File "/tmp' not in message, play.end


def test_what_ran_before_never_noticed(failures: Failures, host: Target) -> None:
    for name, (colour, processes, _) in failures.after.items():
        assert (colour, processes) == failures.served[:2], name


def test_nothing_of_what_could_not_be_made_is_left(failures: Failures) -> None:
    """Not even on a full disk. One that was made and did not start is kept, to be known again."""
    started = [name for name, fault in failures.chosen.items() if not fault.files and not fault.room]
    for name, (_, _, releases) in failures.after.items():
        assert len(releases) <= len(failures.served[2]) + len(started), name
        assert not [release for release in releases if release.startswith(".")], name


def test_no_request_is_lost_over_it(failures: Failures, host: Target) -> None:
    load = failures.load
    print(f"{load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["requests"] > 500
    assert load["failed"] <= (0 if host.init == "systemd" else load["requests"] / 20), load["errors"]


def test_the_good_one_is_deployed_after_them(failures: Failures, host: Target, browser: Browser) -> None:
    assert failures.good.code == 0, failures.good.end
    assert browser.get("/api/").status == 200
    newest = host.output(f"readlink -f /srv/gramex/{APP}/run/$(cat /srv/gramex/{APP}/active)-1")
    assert "A good JSON API" in host.output(f"cat {newest}/gramex.yaml")
    assert len(state.releases(host, APP)) <= 7, "five good ones are kept, and what is needed to know a bad one"


def test_one_that_crashes_after_ten_seconds_gives_way(
    failures: Failures, controller: Controller, host: Target, apps: Path
) -> None:
    crash = "import os, threading, time\nsince = []\ndef home():\n    if not since:\n        since.append(1)\n"
    crash += "        threading.Timer(10, lambda: (print('cold tea', flush=True), os._exit(5))).start()\n"
    inventory = yaml.safe_load((controller.inventory / "group_vars" / "all.yml").read_text(encoding="utf-8"))
    observed = [{**app, **({"observe": 15} if app["name"] == APP else {})} for app in inventory["gramex_apps"]]
    before = serving(host)
    with broken(apps, Fault("", crash + "    return 'fine'\n"), 99), host.load(USERS[0]) as load:
        play = controller.play("site.yml", "-e", json.dumps({"gramex_apps": observed}))
        after = serving(host)
    assert play.code != 0, play.end
    assert "s after it came into service (observe: 15). The one before it serves again" in play.output, play.end
    assert "cold tea" in play.output, play.end
    assert after[:2] == before[:2], "the one before was kept running beside it"
    print(f"{load['requests']} requests, {load['failed']} failed, slowest {load['slowest']:.2f} s")
    assert load["failed"] <= (0 if host.init == "systemd" else load["requests"] / 20), load["errors"]
    assert set(controller.deploy().changed.values()) == {0}
