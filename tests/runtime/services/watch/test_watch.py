"""``watch:`` in a running server."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

CODE = """
import asyncio, threading
from pathlib import Path

LIMIT = 5

def note(event, name="event"):
    with open("notes", "a") as file:
        thread = "main" if threading.current_thread() is threading.main_thread() else "other"
        file.write(f"{name}|{event.event_type}|{event.src_path}|{event.is_directory}|{thread}\\n")

async def later(event):
    await asyncio.sleep(0.01)
    note(event, "later")

def fail(event):
    note(event, "failing")
    raise RuntimeError("this one fails")
"""


def notes(process: Any, name: str = "") -> list[list[str]]:
    path = process.folder / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split("|") for line in lines if line.startswith(name)]


def start(serve: Any, **watches: Any) -> Any:
    return serve({"watch": watches}, {"see.py": CODE, "data/a.txt": "1"})


def test_all_kinds(serve: Any) -> None:
    kinds = ("modified", "created", "deleted", "moved")
    process = start(serve, one={"paths": "data", **{f"on_{kind}": f"see.note(event, '{kind}')" for kind in kinds}})
    data = process.folder / "data"
    (data / "a.txt").write_text("22")
    process.wait_for(lambda: notes(process, "modified"))
    (data / "b.txt").write_text("1")
    process.wait_for(lambda: notes(process, "created"))
    (data / "b.txt").rename(data / "c.txt")
    process.wait_for(lambda: notes(process, "moved"))
    (data / "c.txt").unlink()
    process.wait_for(lambda: notes(process, "deleted"))
    assert [line[:4] for line in notes(process)] == [
        ["modified", "modified", str(data / "a.txt"), "False"],
        ["created", "created", str(data / "b.txt"), "False"],
        ["moved", "moved", str(data / "b.txt"), "False"],
        ["deleted", "deleted", str(data / "c.txt"), "False"],
    ]
    assert {line[4] for line in notes(process)} == {"other"}


def test_any_event_and_a_bare_name(serve: Any) -> None:
    process = start(serve, one={"paths": ["data/*.txt"], "on_any_event": "see.note"})
    (process.folder / "data" / "new.csv").write_text("1")
    (process.folder / "data" / "new.txt").write_text("1")
    process.wait_for(lambda: notes(process))
    assert [line[1:3] for line in notes(process)] == [["created", str(process.folder / "data" / "new.txt")]]


def test_coroutines(serve: Any) -> None:
    process = start(serve, one={"paths": "data/a.txt", "on_modified": "see.later"})
    (process.folder / "data" / "a.txt").write_text("22")
    process.wait_for(lambda: notes(process, "later"))
    assert notes(process)[0][4] == "main"


def test_a_failing_function_is_logged_and_called_again(serve: Any) -> None:
    process = start(serve, one={"paths": "data/a.txt", "on_modified": "see.fail"})
    (process.folder / "data" / "a.txt").write_text("22")
    process.wait_log("watch:one failed for")
    (process.folder / "data" / "a.txt").write_text("333")
    process.wait_for(lambda: len(notes(process, "failing")) == 2)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"on_modified": "see.note"}, "has no paths"),
    ({"paths": [], "on_modified": "see.note"}, "has no paths"),
    ({"paths": [5], "on_modified": "see.note"}, "paths: must be the path of a file"),
    ({"paths": "data"}, "has no events"),
    ({"paths": "data", "on_modified": "nowhere.note"}, "'nowhere' is neither a variable nor a module"),
    ({"paths": "data", "on_modified": "see.missing"}, "there is no see.missing"),
    ({"paths": "data", "on_modified": "see.LIMIT"}, "on_modified: 'see.LIMIT' is no function, but 5"),
    ({"paths": "data", "on_modified": 7}, "on_modified: must be an expression such as"),
]


@pytest.mark.parametrize(("spec", "message"), MISTAKES, ids=[str(index) for index in range(len(MISTAKES))])
def test_a_mistake_names_its_place_and_costs_its_entry(serve: Any, spec: dict[str, Any], message: str) -> None:
    process = start(serve, bad=spec, good={"paths": "data", "on_any_event": "see.note"})
    lines = [line for line in process.log.splitlines() if "watch:bad" in line]
    assert len(lines) == 1
    assert "gramex.yaml:" in lines[0]
    assert message in lines[0]
    (process.folder / "data" / "a.txt").write_text("22")
    process.wait_for(lambda: notes(process))


def test_unknown_keys_are_named(check: Any, tmp_path: Path) -> None:
    (tmp_path / "gramex.yaml").write_text("watch: {x: {paths: data, on_any_event: str.upper, on_modify: str.upper}}\n")
    found = check(tmp_path)
    assert found == ["warning: gramex.yaml:1: watch:x: on_modify: is not known: did you mean on_modified?"]


def test_reload(serve: Any) -> None:
    kept = {"paths": "data/a.txt", "on_modified": "see.note(event, 'kept')"}
    process = start(serve, kept=kept, gone={"paths": "data/a.txt", "on_modified": "see.note(event, 'gone')"})
    new = {"paths": "data/a.txt", "on_modified": "see.note(event, 'new')"}
    (process.folder / "gramex.yaml").write_text(json.dumps({"watch": {"kept": kept, "new": new}}))
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    (process.folder / "data" / "a.txt").write_text("22")
    process.wait_for(lambda: notes(process, "kept") and notes(process, "new"))
    assert not notes(process, "gone")
    assert len(notes(process)) == 2


def test_it_ends_at_once(serve: Any) -> None:
    process = start(serve, one={"paths": "data", "on_any_event": "see.note"})
    begin = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - begin < 10
