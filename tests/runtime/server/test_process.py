"""The process around the server: event loops, threads, platforms."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import yaml

THREADS = """
import time
from gramex.handlers.base import BaseHandler

class Busy(BaseHandler):
    def get(self):
        self.services.executor.submit(time.sleep, 600)
        self.write("started")
"""

# What Windows does not have.
WINDOWS = """
import socket, sys
for name in ("fcntl", "pwd", "grp", "resource", "termios", "uvloop"):
    sys.modules[name] = None
del socket.AF_UNIX
import gramex.server.life, gramex.services, gramex.services.events, gramex.services.log, gramex.handlers.routing
gramex.server.life.raise_file_limit()
print("imported")
"""


@pytest.fixture
def without_uvloop(tmp_path: Any) -> dict[str, str]:
    """An environment in which uvloop is not installed."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "uvloop.py").write_text("raise ImportError('hidden')")
    return {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}


def test_pythons_own_event_loop_does_the_same(work: Any, without_uvloop: dict[str, str]) -> None:
    process = work("--listen.health=/page", "--listen.drain=20", env=without_uvloop)
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    connection = process.connection()
    connection.request("GET", "/slow?s=1")
    process.wait_for(lambda: (process.folder / "began").exists())
    process.kill(signal.SIGTERM)
    answer = connection.getresponse()
    assert (answer.read(), answer.headers["Connection"]) == (b"slow page", "close")
    assert process.wait() == 0
    modules = subprocess.run(
        [sys.executable, "-c", "from gramex.server import new_loop; print(type(new_loop()).__module__)"],
        env=without_uvloop, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert modules.startswith("asyncio.")


def test_large_answers_are_whole_on_both_loops(work: Any, without_uvloop: dict[str, str]) -> None:
    for env in ({}, without_uvloop):
        process = work(env=env)
        assert process.get("/big?n=30000000").body == b"x" * 30_000_000


def test_a_thread_of_the_app_does_not_hold_up_the_end(serve: Any) -> None:
    conf = {"url": {"busy": {"pattern": "/busy", "handler": "app.Busy"}}}
    process = serve(conf, {"app.py": THREADS})
    assert process.get("/busy").text == "started"
    begin = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - begin < 15
    assert "threads are still at work" in process.log


def test_modules_that_windows_lacks_are_not_needed() -> None:
    result = subprocess.run([sys.executable, "-c", WINDOWS], capture_output=True, text=True, timeout=60)
    assert result.stdout == "imported\n", result.stderr


def test_stop_from_another_thread(tmp_path: Any) -> None:
    code = (
        "import threading\nfrom pathlib import Path\nimport gramex.server\nfrom gramex.config import load\n"
        "threading.Timer(1, gramex.server.stop).start()\n"
        "loaded = load(Path.cwd(), {'listen': {'port': 0, 'address': '127.0.0.1'}})\n"
        "thread = threading.Thread(target=lambda: codes.append(gramex.server.run(loaded, lambda: loaded)))\n"
        "codes = []\nthread.start()\nthread.join(20)\nprint('code', codes)"
    )
    env = os.environ | {"GRAMEXDATA": str(tmp_path / "data")}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=env
    )
    assert "code [0]" in result.stdout, result.stderr


def test_sessions_survive_a_reload_and_its_grace(serve: Any) -> None:
    files = {
        "app.py": "def count(handler):\n    handler.session['n'] = handler.session.get('n', 0) + 1\n"
        "    return str(handler.session['n'])\n"
    }
    conf = {
        "app": {"session": {"type": "memory"}},
        "url": {"count": {"pattern": "/count", "handler": "FunctionHandler", "kwargs": {"function": "app.count"}}},
    }
    process = serve(conf, files, "--listen.drain=0.5")
    browser = process.browser()
    assert browser.get("/count").text == "1"
    for turn in (2, 3):
        conf["url"][f"more{turn}"] = {"pattern": f"/more{turn}", "handler": "FileHandler", "kwargs": {"path": "."}}
        (process.folder / "gramex.yaml").write_text(yaml.safe_dump(conf))
        process.kill(signal.SIGHUP)
        process.wait_for(lambda turn=turn: process.log.count("Reloaded") == turn - 1)
        time.sleep(0.7)  # the services of before are closed by now
        assert browser.get("/count").text == str(turn)


def test_a_mistake_that_the_application_finds_is_one_line(serve: Any) -> None:
    process = serve({}, {"x.txt": "x"})
    bad = {"app": {"session": {"type": "stone tablet"}}, "log": {"loggers": {"gramex": {"level": "CRITICAL"}}}}
    (process.folder / "gramex.yaml").write_text(yaml.safe_dump(bad))
    process.kill(signal.SIGHUP)
    process.wait_log("stays in use")
    assert "stone tablet" in process.log
    assert "Traceback" not in process.log
    assert process.get("/x.txt").status == 200
    process.wait_log("200 GET /x.txt")
