"""Stores of the section ``cache:`` that outlive the process: what they keep, for how long, and how much."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from gramex.handlers.caching import Kept, cost, make_store

CODE = """
count = 0
def page(handler):
    global count
    count += 1
    handler.set_header('X-Own', 'ähm')
    handler.set_status(203)
    return f'{count} ' + 'é' * 2000
"""
CONF = {
    "cache": {"disk": {"type": "disk", "size": 1_000_000}},
    "url": {
        "page": {
            "pattern": "/page",
            "handler": "FunctionHandler",
            "kwargs": {"function": "counted.page(handler)", "cache": {"store": "disk", "status": [203]}},
        },
        "short": {
            "pattern": "/short",
            "handler": "FunctionHandler",
            "kwargs": {
                "function": "counted.page(handler)",
                "cache": {"store": "disk", "status": 203, "expiry": {"duration": 0}},
            },
        },
        "oddstore": {
            "pattern": "/oddstore",
            "handler": "FunctionHandler",
            "kwargs": {"function": "1", "cache": {"store": ["disk"]}},
        },
        "oddstatus": {
            "pattern": "/oddstatus",
            "handler": "FunctionHandler",
            "kwargs": {"function": "1", "cache": {"status": [200, "all"]}},
        },
        "odddefault": {
            "pattern": "/odddefault",
            "handler": "FileHandler",
            "kwargs": {"path": {"": "{name}.html"}, "default": "index"},
        },
        "missing": {
            "pattern": "/missing",
            "handler": "FunctionHandler",
            "kwargs": {"function": "1", "cache": {"store": "nowhere"}},
        },
    },
}


def kept(text: str = "x", seconds: float = 60, size: int = 1000) -> Kept:
    return Kept(200, "OK", [("X", "ä"), ("X", "b")], text.encode() * size, time.monotonic() + seconds)


def test_disk_outlives_a_restart_and_is_shared(serve, tmp_path: Path):
    first = serve(CONF, {"counted.py": CODE})
    host = {"Host": "app.example"}
    answers = [first.get("/page", headers=host), first.get("/page", headers=host)]
    second = serve(None, None, folder=first.folder, data=first.data)
    answers.append(second.get("/page", headers=host))
    assert first.stop() == 0
    answers.append(second.get("/page", headers=host))
    assert {answer.body for answer in answers} == {("1 " + "é" * 2000).encode()}
    assert {(answer.status, answer.headers["X-Own"]) for answer in answers} == {(203, "ähm")}
    assert second.get("/page", headers={"Host": "other.example"}).text[:2] == "1 "  # its first
    assert [second.get("/short").text[0] for _ in range(2)] == ["2", "3"]
    assert second.get("/missing").status == 500
    assert "there is no 'nowhere' in the section cache:" in second.log
    for message in (
        "url:oddstore (FunctionHandler) invalid configuration: cache: store: must be a name in the section cache:",
        "url:oddstatus (FunctionHandler) invalid configuration: cache: status: must be a status such as 200",
        "url:odddefault (FileHandler) invalid configuration: default: must be a mapping of names",
    ):
        assert message in second.log
    assert "Traceback" not in second.log
    assert [path.name for path in (first.data / "cache").glob("*.db")] == ["disk.db"]
    assert (first.data / "cache" / "disk.db").stat().st_mode & 0o077 == 0


def test_disk_replays_all_of_an_answer(tmp_path: Path):
    store = make_store("a/b", {"type": "disk", "path": str(tmp_path / "here")}, tmp_path)
    answer = kept("\0\n")
    store.put("key", answer)
    found = store.get("key")
    assert found[:4] == answer[:4]
    assert found.expires == pytest.approx(answer.expires, abs=5)
    store.put("ever", answer._replace(expires=math.inf))
    assert store.get("ever").body == answer.body
    assert store.get("ever").expires > time.monotonic() + 1e9
    store.put("over", kept(seconds=-1))
    assert store.get("over") is None
    assert [path.name for path in (tmp_path / "here").glob("*.db")] == ["a%2Fb.db"]


def test_disk_is_bounded(tmp_path: Path):
    store = make_store("small", {"type": "disk", "size": 10 * cost("00", kept())}, tmp_path)
    for number in range(10, 40):
        store.put(str(number), kept())
    assert [number for number in range(10, 40) if store.get(str(number))] == list(range(30, 40))
    store.put("35", kept(size=1000 + 2 * cost("00", kept())))
    assert [number for number in range(10, 40) if store.get(str(number))] == list(range(32, 40))
    store.put("36", kept(size=10**6))  # larger than the store: what is there stays as it is
    assert store.get("36").body == kept().body


def test_disk_that_cannot_be_used_keeps_no_page_from_working(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_text("no folder")
    store = make_store("disk", {"type": "disk", "path": str(tmp_path / "file" / "below")}, tmp_path)
    store.put("key", kept())
    assert store.get("key").body == kept().body  # in memory
    assert "cannot be used" in caplog.text


def test_unknown_type_is_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert type(make_store("odd", {"type": "tape"}, tmp_path)).__name__ == "MemoryStore"
    assert "cache:odd: type tape is not known" in caplog.text
    with pytest.raises(ValueError, match=r"cache:r: path: must begin with redis://"):
        make_store("r", {"type": "redis", "path": "http://localhost"}, tmp_path)
