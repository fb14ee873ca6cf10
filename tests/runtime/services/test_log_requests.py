"""The request log: rows, columns, lines on the console."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

APP = """
from gramex.handlers.base import BaseHandler

class Page(BaseHandler):
    def get(self, *args):
        if self.get_query_argument("fail", ""):
            raise ValueError("first line\\nno, it \\"failed\\"")
        self.write("ok")
"""
CONF = {
    "app": {"settings": {"xsrf_cookies": False}},
    "url": {"default": None, "favicon": None, "home": {"pattern": "/(.*)", "handler": "app.Page"}},
}


def rows(process: Any, name: str = "requests.csv") -> list[list[str]]:
    with (process.data / "logs" / name).open(newline="") as stream:
        return list(csv.reader(stream))


@pytest.fixture
def start(serve: Callable[..., Any]) -> Callable[..., Any]:
    """Start the app with more configuration."""
    return lambda *options, more={}, **kwargs: serve({**CONF, **more}, {"app.py": APP}, *options, **kwargs)


def test_a_row_has_eight_columns_and_whole_numbers(start: Any) -> None:
    process = start()
    before = time.time() * 1000
    process.get('/page?q="a,b"', headers={"X-Real-IP": "203.0.113.7"})
    process.get("/?fail=1")
    process.stop()
    good, bad = rows(process)
    assert before - 1 <= int(good[0]) <= time.time() * 1000 + 1
    assert good[1:4] == ["203.0.113.7", "", "200"]
    assert 0 <= int(good[4]) < 20_000
    assert good[5:] == ["GET", '/page?q="a,b"', ""]
    assert bad[3] == "500"
    assert bad[7] == 'no, it "failed"'


def test_a_row_is_written_soon_not_only_at_the_end(start: Any) -> None:
    process = start()
    process.get("/page")
    process.wait_for(lambda: (process.data / "logs" / "requests.csv").exists() and len(rows(process)) == 1)


def test_lines_of_the_console_and_the_file(start: Any) -> None:
    process = start()
    process.get("/page")
    process.get("/?fail=1")
    process.post("/page")
    process.stop()
    for text in (process.log, (process.data / "logs" / "gramex.log").read_text()):
        lines = [line for line in text.splitlines() if " (127.0.0.1) " in line]
        assert [line.partition(" ")[0] for line in lines] == ["I", "E", "W"]
        words = [line[line.index(".") :].split(" (127.0.0.1) ")[0].split()[-3:] for line in lines]
        assert words == [["200", "GET", "/page"], ["500", "GET", "/?fail=1"], ["405", "POST", "/page"]]
        assert all(line.endswith("ms home") for line in lines)


def test_an_error_is_named_as_in_a_traceback(start: Any) -> None:
    process = start()
    process.get("/?fail=1", headers={"X-HTTP-Method-Override": "PUT"})
    process.stop()
    assert rows(process)[0][7] == "tornado.web.HTTPError: HTTP 405: Method Not Allowed"


def test_level_of_the_logger_decides_what_is_shown(start: Any) -> None:
    process = start("--log.level=warning")
    process.get("/page")
    process.post("/page")
    process.stop()
    assert "200 GET" not in process.log
    assert "405 POST" in process.log
    assert len(rows(process)) == 2


def test_columns_can_be_chosen(start: Any) -> None:
    keys = [
        "datetime", "name", "class", "user", "port", "browser", "session", "instance",
        "args.q", "request.path", "headers.X-Some", "cookies.some", "user.id", "env.LANG", "env.NONE",
    ]  # fmt: skip
    more = {"log": {"handlers": {"requests": {"filename": "logs/own.csv", "keys": keys}}}}
    process = start(more=more, env={"GRAMEX_INSTANCE": "blue-1"})
    headers = {"User-Agent": "me", "X-Some": "thing", "Cookie": "some=cookie", "Host": "example.org"}
    process.get("/page?q=1&q=2", headers=headers)
    process.stop()
    (row,) = rows(process, "own.csv")
    assert row[0].endswith("Z")
    assert row[1:8] == ["home", "Page", "", str(process.port), "me", "", "blue-1"]
    assert row[8:] == ["2", "/page", "thing", "cookie", "", "C.UTF-8", ""]


def test_unknown_column_is_said_and_the_default_is_used(start: Any) -> None:
    process = start(more={"log": {"handlers": {"requests": {"keys": ["time", "when"]}}}})
    process.get("/page")
    process.stop()
    assert "log.handlers.requests.keys: 'when' is no key of the request log" in process.log
    assert len(rows(process)[0]) == 8


def test_requests_handler_can_be_taken_away(start: Any) -> None:
    process = start(more={"log": {"handlers": {"requests": None}}})
    process.get("/page")
    process.stop()
    assert not (process.data / "logs" / "requests.csv").exists()
    assert "200 GET /page" in process.log


def test_instance_is_in_every_record(start: Any) -> None:
    process = start(env={"GRAMEX_INSTANCE": "green-2"})
    process.get("/page")
    process.stop()
    assert rows(process)[0][8] == "green-2"
    for text in (process.log, (process.data / "logs" / "gramex.log").read_text()):
        lines = [line for line in text.splitlines() if line.startswith(("I ", "W "))]
        assert lines
        assert all(" green-2 " in line for line in lines)


def test_json_lines(start: Any) -> None:
    process = start("--log.format=json", env={"GRAMEX_INSTANCE": "blue-1"})
    process.get("/page")
    process.get("/?fail=1")
    process.stop()
    lines = [json.loads(line) for line in process.log.splitlines() if line.startswith("{")]
    request = next(line for line in lines if line.get("uri") == "/page")
    assert (request["status"], request["method"], request["ip"], request["name"]) == (200, "GET", "127.0.0.1", "home")
    assert (request["level"], request["instance"]) == ("INFO", "blue-1")
    assert request["time"].endswith("Z")
    assert any("Traceback" in line.get("exception", "") for line in lines)


def test_two_processes_share_the_logs(start: Any, tmp_path: Path) -> None:
    processes = [start(data=tmp_path / "shared", env={"GRAMEX_INSTANCE": f"blue-{n}"}) for n in (1, 2)]
    for turn in range(100):
        for process in processes:
            process.get(f"/{'x' * 2000}-{turn}")
    for process in processes:
        process.stop()
    found = rows(processes[0])
    assert len(found) == 200
    for n in (1, 2):
        uris = [row[6].rpartition("-")[2] for row in found if row[8] == f"blue-{n}"]
        assert uris == [str(turn) for turn in range(100)]
    lines = (tmp_path / "shared" / "logs" / "gramex.log").read_text().splitlines()
    assert sum(line.endswith("ms home") for line in lines) == 200


def test_logging_a_request_makes_no_session(start: Any) -> None:
    process = start()
    for _ in range(3):
        assert not process.get("/page").all("Set-Cookie")
    process.stop()
    assert not (process.data / "session.db").exists()


def test_own_handlers_and_filters_work(start: Any) -> None:
    more = {
        "log": {
            "handlers": {
                "rotating": {
                    "class": "logging.handlers.RotatingFileHandler",
                    "filename": "$GRAMEXDATA/some/new/folder/own.log",
                    "maxBytes": 100000,
                    "formatter": "file",
                },
                "unused": {"class": "logging.FileHandler", "filename": "$GRAMEXDATA/unused/unused.log"},
            },
            "loggers": {"gramex": {"handlers": ["console", "rotating", "requests"]}},
        }
    }
    process = start(more=more)
    process.get("/page")
    process.stop()
    assert "200 GET /page" in process.log
    assert "200 GET /page" in (process.data / "some" / "new" / "folder" / "own.log").read_text()
    assert not (process.data / "unused").exists()
    assert not (process.data / "logs" / "gramex.log").exists()


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ({"loggers": {"gramex": {"level": "LOUD"}}}, "log: log.loggers.gramex.level: 'LOUD' is no level"),
        (
            {"loggers": {"gramex": {"handlers": ["none"]}}},
            "log: log.loggers.gramex.handlers: there is no handler 'none'",
        ),
        ({"handlers": {"console": {"class": "no.Such"}}}, "log: Unable to configure handler 'console'"),
        ({"root": {"handlers": 5}}, "log: argument of type 'int' is not"),
    ],
)
def test_a_mistake_in_the_section_is_said_and_the_console_works(start: Any, log: Any, message: str) -> None:
    process = start(more={"log": log})
    process.get("/page")
    process.stop()
    assert message in process.log
    assert "200 GET /page" in process.log
    assert "Traceback" not in process.log


def test_an_unwritable_data_folder_is_a_warning(start: Any, tmp_path: Path) -> None:
    data = tmp_path / "file"
    data.write_text("not a folder")
    process = start(data=data)
    assert process.get("/page").status == 200
    assert process.stop() == 0
    assert f"GRAMEXDATA: nothing can be kept in {data}" in process.log
    assert process.log.count("cannot be written") <= 2
    assert "Traceback" not in process.log


def test_import_of_the_server_leaves_out_what_is_slow() -> None:
    code = "import gramex.server.life, gramex.services.log, sys; print(' '.join(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    slow = {"logging.config", "sqlite3", "multiprocessing", "pydoc", "argon2", "mistune", "unittest"}
    assert not slow & set(output.split())
