"""The program that works on Windows hosts, as far as it is the same on any system: records, releases, the switch."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from gramex_windows.host import main, release, switch
from gramex_windows.host.problem import Problem
from gramex_windows.host.record import App, Record, Release

OLD, NEW = "20260101T000000Z-11111111", "20260102T000000Z-22222222"


def archive(place: Path, *members: tuple[str, bytes]) -> Path:
    """A tar.gz with these files; a name that ends with `@` is a link."""
    with tarfile.open(place, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name.removesuffix("@"))
            if name.endswith("@"):
                member.type, member.linkname = tarfile.SYMTYPE, "elsewhere"
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return place


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../out", "no name for a file"),
        ("/etc/passwd", "no name for a file"),
        ("a:b", "no name for a file"),
        ("a\\b", "no name for a file"),
        ("link@", "is a link"),
    ],
)
def test_what_an_archive_must_not_hold(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        release.extract(archive(tmp_path / "a.tar.gz", (name, b"x")), tmp_path / "into")
    assert not (tmp_path / "out").exists()


def test_a_record_survives_being_written(tmp_path: Path) -> None:
    record = Record("key", {"site": App({OLD: Release("d", "e", "good")}, OLD, "C:\\data", ["nightly"])})
    record.write(tmp_path)
    assert Record.parse((tmp_path / "record.json").read_text()) == record
    assert Record.read(tmp_path).apps["site"].releases == {}, "a release whose folder is gone is none"
    (tmp_path / "site" / "releases" / OLD).mkdir(parents=True)
    (tmp_path / "environments" / "e").mkdir(parents=True)
    (tmp_path / "environments" / "e" / "environment.txt").touch()
    assert Record.read(tmp_path) == record


@pytest.mark.parametrize("text", ["", "{", "[]", '{"apps": {}}', '{"key": 1, "apps": {"a": {"releases": 1}}}'])
def test_a_broken_record_is_an_empty_one(text: str) -> None:
    assert Record.parse(text) == Record()


def test_ids_go_up_even_when_the_clock_does_not() -> None:
    future = release.name("ffffffffff", [])
    assert release.name("abcdef0123", [future]) > future
    assert release.name("abcdef0123", []).endswith("Z-abcdef01")


def test_the_last_good_ones_are_kept(tmp_path: Path) -> None:
    names = [f"2026010{day}T000000Z-0000000{day}" for day in range(1, 7)]
    states = ["good", "bad", "good", "bad", "good", "good"]
    app = App({name: Release("d", "e", state) for name, state in zip(names, states, strict=True)}, active=names[0])
    for name in (*names, ".aside.new"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    assert release.prune(tmp_path, app, 2) == [names[1], names[2]]
    left = sorted(place.name for place in (tmp_path / "releases").iterdir())
    assert left == [names[0], names[3], names[4], names[5]], "what serves, the last bad one, the last two good ones"


class Manager:
    """Services as a fake keeps them: `sick` are releases that do not answer, `dead` those that do not start."""

    def __init__(self, sick: tuple[str, ...] = (), dead: tuple[str, ...] = ()) -> None:
        self.sick, self.dead = sick, dead
        self.registered, self.running, self.done = OLD, True, list[str]()

    def register(self, _app: Any, _known: Any, name: str, _root: Path) -> None:
        self.registered = name
        self.done.append(f"register {name}")

    def start(self, _seconds: float) -> None:
        self.done.append(f"start {self.registered}")
        if self.registered in self.dead:
            raise Problem("service gramex-site ended before it was ready")
        self.running = True

    def stop(self, _seconds: float) -> None:
        self.done.append("stop")
        self.running = False

    def healthy(self, *_arguments: Any) -> str:
        return "/ answers with status 500" if self.registered in self.sick else ""


TOLD = {"name": "site", "service": "gramex-site", "port": 1, "health": "/", "drain": 5, "data": "/nowhere"}


def install(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "Service", lambda _name: manager)
    monkeypatch.setattr(switch, "register", manager.register)
    monkeypatch.setattr(switch, "healthy", manager.healthy)
    monkeypatch.setattr(switch, "status", lambda *_arguments: 0)


def known(active: str = OLD) -> App:
    return App({OLD: Release("d1", "e", "good"), NEW: Release("d2", "e")}, active)


def test_a_change_registers_first_so_that_the_gap_is_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manager, app = Manager(), known()
    install(manager, monkeypatch)
    changed, gap = switch.serve(TOLD, app, NEW, tmp_path, 1)
    assert (changed, gap is not None) == (True, True)
    assert manager.done == [f"register {NEW}", "stop", f"start {NEW}"]
    assert (app.active, app.releases[NEW].state) == (NEW, "good")


def test_what_serves_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manager, app = Manager(), known()
    install(manager, monkeypatch)
    assert switch.serve(TOLD, app, OLD, tmp_path, 1) == (False, None)
    assert manager.done == []


@pytest.mark.parametrize("kind", ["sick", "dead"])
def test_what_fails_gives_way_to_what_ran(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manager, app = Manager(**{kind: (NEW,)}), known()
    install(manager, monkeypatch)
    log = tmp_path / "site" / "releases" / NEW / "service.log"
    log.parent.mkdir(parents=True)
    log.write_text("the reason\n")
    with pytest.raises(Problem, match=rf"(?s)the reason.*Release {OLD} serves again"):
        switch.serve(TOLD, app, NEW, tmp_path, 1)
    assert manager.done[-2:] == [f"register {OLD}", f"start {OLD}"]
    assert (app.active, app.releases[NEW].state, manager.running) == (OLD, "bad", True)


def test_a_first_release_that_fails_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manager, app = Manager(sick=(NEW,)), known(active="")
    manager.running = False
    install(manager, monkeypatch)
    with pytest.raises(Problem, match="not healthy"):
        switch.serve(TOLD, app, NEW, tmp_path, 1)
    assert (app.active, app.releases[NEW].state, manager.running) == ("", "bad", False)


def test_a_port_of_another_program_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manager, app = Manager(), known(active="")
    manager.running = False
    install(manager, monkeypatch)
    monkeypatch.setattr(switch, "status", lambda *_arguments: 200)
    with pytest.raises(Problem, match="port 1 is taken by another program"):
        switch.serve(TOLD, app, NEW, tmp_path, 1)
    assert manager.done == []


def test_one_apps_failure_stops_no_other_and_hides_secrets() -> None:
    def step(app: Any) -> Any:
        if app["name"] == "site":
            raise Problem("the token hush-4711 is wrong")
        return {"changed": False, "done": []}

    told = {"private": {name: {"hidden": ["hush-4711"]} for name in ("site", "api")}}
    rows = [main._each({"name": name}, told, Record(), step) for name in ("site", "api")]
    assert rows[0]["failed"] == "app site: the token ******** is wrong"
    assert rows[1] == {"name": "api", "changed": False, "done": []}
    json.dumps(rows)
