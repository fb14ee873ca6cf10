"""An app on the full Gramex: its unit, what starts it, when it counts as ready, and which releases are for it."""

from __future__ import annotations

import configparser
import json
import os
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from gramex_deploy import environment, kind, systemd
from gramex_deploy.full import Full
from gramex_deploy.problem import Problem
from gramex_deploy.record import Record, Release
from gramex_deploy.standing import Standing
from gramex_deploy.systemd import Systemd
from gramex_deploy.sysv import Sysv
from gramex_source import services
from gramex_source.distribution import Locks

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "ansible" / "roles" / "gramex"
UNIT = "/etc/systemd/system/gramex-site@.service"
# Says what it was called with, instead of serving.
PLAYED = "import json\ndef init(**layers): print(json.dumps(layers))\n"


def texts(app: dict[str, Any]) -> dict[str, str]:
    held = services.held(app, "systemd", {"gramex-site.socket": "/run/gramex/site.sock"}, False)
    return services.systemd(ROLE / "templates", app, held, socket_group="www-data", start_timeout=60)


def test_its_unit_has_no_socket_and_does_not_wait_for_its_word(app) -> None:
    made = texts(app(port=8001, socket="", distribution="gramex"))
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(made[UNIT])
    unit = dict(parser["Service"])
    assert unit["execstart"].endswith("/venvs/%i/bin/python /etc/gramex/site/full.py 127.0.0.1:8001")
    assert (unit["type"], unit["killsignal"], unit["privatedevices"]) == ("exec", "SIGINT", "yes")
    assert not {"sockets", "watchdogsec", "execreload", "notifyaccess"} & set(unit)
    assert not [path for path in made if path.endswith(".socket")]


def test_a_changed_starter_is_a_changed_unit(app, tmp_path) -> None:
    role = tmp_path / "gramex"
    (role / "files").mkdir(parents=True)
    (role / "templates").symlink_to(ROLE / "templates")
    units = []
    for text in ("one", "two"):
        (role / "files" / "full.py").write_text(text)
        made = services.systemd(
            role / "templates", app(port=8001, distribution="gramex"), {}, socket_group="x", start_timeout=60
        )
        assert made["/etc/gramex/site/full.py"] == text
        units.append(made[UNIT])
    assert units[0] != units[1]


def test_locks_are_those_of_the_distribution(app) -> None:
    runtime = ROOT / "locks" / "runtime.txt"
    assert Locks.of(app(), runtime, ROOT) == Locks(runtime)
    full = Locks.of(app(distribution="gramex"), runtime, ROOT)
    assert full.digest != Locks(runtime).digest
    wheels, source = (place.read_text(encoding="utf-8") for place in full.places.values())
    assert "\ngramex==1.94.5 " in wheels
    assert "\ntornado==6.4.2 " in wheels
    names = {line.split("==")[0] for line in source.splitlines() if "==" in line}
    assert names == {"crontab", "python-pptx", "sqlitedict"}
    assert not any(f"\n{name}==" in wheels for name in names)


def start(folder: Path, **environment: str) -> dict[str, Any]:
    """Start the app in a folder on a Gramex that is played; return the layer of configuration that it got."""
    library = folder.parent / "library"
    library.mkdir(exist_ok=True)
    (library / "gramex.py").write_text(PLAYED)
    (library / "orderedattrdict.py").write_text("AttrDict = dict\n")
    done = subprocess.run(
        [sys.executable, str(ROLE / "files" / "full.py"), "127.0.0.1:8001"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(library), "GRAMEXDATA": str(folder.parent), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)["cmd"]


def test_it_tells_nobody_and_listens_where_it_is_told(folder) -> None:
    layer = start(folder({"gramex.yaml": "url: {}\n"}))
    assert layer["schedule"] == {"gramex_update": None}
    assert layer["app"]["listen"] == {"address": "127.0.0.1", "port": 8001}


@pytest.mark.parametrize("text", ["url: {}\n", "[", "app: [x]\n", "app: {settings: {debug: true}}\n"])
def test_cookies_are_signed_by_a_key_of_its_own(folder, text: str) -> None:
    at = folder({"gramex.yaml": text})
    key = start(at)["app"]["settings"]["cookie_secret"]
    place = at.parent / "cookie.key"
    assert len(key) == 64
    assert place.read_text() == key
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert start(at)["app"]["settings"]["cookie_secret"] == key
    assert start(at, GRAMEX_COOKIE_SECRET="of several")["app"]["settings"]["cookie_secret"] == "of several"


def test_a_key_of_the_app_holds(folder) -> None:
    assert "settings" not in start(folder({"gramex.yaml": "app: {settings: {cookie_secret: mine}}\n"}))["app"]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


class Played(Full):
    """The full Gramex, played: a start begins to answer with `status` after a while, or ends, or does nothing."""

    def __init__(self, port: int, status: int | None, ends: bool = False) -> None:
        super().__init__("site", port, "/health?x=1")
        self.status, self.ends = status, ends
        self.asked: list[str] = []
        self.server: socketserver.TCPServer | None = None

    def state(self, colour: str) -> str:
        return "failed" if self.ends and "begun" in self.asked else "running" if "begun" in self.asked else "stopped"

    def begin(self) -> None:
        self.asked.append("begun")
        if self.status:
            threading.Timer(0.3, self._serve).start()

    def _serve(self) -> None:
        played = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                played.asked.append(self.path)
                self.send_response(played.status or 0)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = socketserver.TCPServer(("127.0.0.1", self.port), Answer)
        self.server.handle_request()
        self.server.server_close()

    def kill(self, colour: str) -> None:
        self.asked.append("killed")

    def log_of(self, colour: str, since: float) -> str:
        return f"what it said, {self.asked[-1]}"


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Systemd, "start", lambda self, *_: self.begin())
    monkeypatch.setattr(Systemd, "units", lambda *_: ["gramex-site@blue-1.service"])
    monkeypatch.setattr(systemd, "systemctl", lambda *_, **__: "")


@pytest.mark.parametrize("status", [200, 302])
def test_it_is_ready_when_its_health_path_answers(port: int, status: int) -> None:
    app = Played(port, status)
    app.start("blue", 20)
    assert app.asked == ["begun", "/health?x=1"]
    assert app.gap is None


def test_a_bad_answer_is_the_end_of_it(port: int) -> None:
    app = Played(port, 500)
    with pytest.raises(
        Problem, match=r"is not healthy: /health\?x=1 answers 500\. The end of its log:\nwhat it said, killed"
    ):
        app.start("blue", 20)


def test_one_that_ends_or_never_answers_is_told_apart(port: int) -> None:
    with pytest.raises(Problem, match="gramex-site@blue ended before it was ready"):
        Played(port, None, ends=True).start("blue", 20)
    with pytest.raises(Problem, match="gramex-site@blue was not ready within 1 s"):
        Played(port, None).start("blue", 1)


def test_where_there_is_nothing_better_it_may_try_on(port: int) -> None:
    app = Played(port, None)
    with pytest.raises(Problem):
        app.start("blue", 1, keep=True)
    assert "killed" not in app.asked


def test_another_program_on_its_port_is_not_taken_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        app = Played(door.getsockname()[1], 200)
        with pytest.raises(Problem, match="another program has port"):
            app.start("blue", 20)
    assert app.asked == []


def test_the_gap_is_from_the_end_of_one_to_the_answer_of_the_other(port: int) -> None:
    app = Played(port, 200)
    began = time.monotonic()
    app.give_way("green")
    app.start("blue", 20)
    assert app.gap is not None
    assert 0.3 <= app.gap <= time.monotonic() - began


def test_a_record_says_what_starts_an_app() -> None:
    told = {"port": 8001, "init": "systemd", "health": "/"}
    assert isinstance(kind.services("site", {**told, "distribution": "gramex"}, []), Full)
    assert type(kind.services("site", told, [])) is Systemd  # of a record from before there was a choice
    assert isinstance(kind.services("site", {**told, "init": "sysv", "distribution": "gramex"}, []), Sysv)


def test_a_python_without_wheels_is_refused_on_the_host_too() -> None:
    found = {"version": [3, 13, 5], "real": "/usr/bin/python3.13"}
    environment.judge("/usr/bin/python3", found, kind.RUNTIME)
    with pytest.raises(Problem, match=r"is Python 3\.13\.5; the full Gramex runs on 3\.12 at most"):
        environment.judge("/usr/bin/python3", found, kind.FULL)


def test_a_rollback_stays_with_the_distribution(tmp_path) -> None:
    releases = {
        name: Release(name, "e", "good", served, distribution)
        for name, served, distribution in (("a", 1, "gramex"), ("b", 2, "gramex-runtime"), ("c", 3, "gramex"))
    }
    settings = {"init": "systemd", "port": 8001, "health": "/", "distribution": "gramex"}
    record = Record(releases, settings=settings)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "blue-1").symlink_to("../releases/c")
    (tmp_path / "active").write_text("blue\n")
    app = Standing("site", tmp_path, record, kind.services("site", settings, []))
    assert app.choose("") == "a"
    with pytest.raises(Problem, match="release b is for distribution gramex-runtime: deploy it with that one"):
        app.choose("b")
