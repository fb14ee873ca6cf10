"""``schedule:`` in a running server, and in several that share a data folder."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

TASKS = """
import asyncio, os, sys, threading, time
from pathlib import Path

def note(name="ran"):
    with open("notes", "a") as file:
        file.write(f"{name} {os.getpid()} {threading.current_thread() is threading.main_thread()}\\n")

async def wait(name="waited", seconds=0):
    await asyncio.sleep(seconds)
    note(name)

def fail():
    note("failing")
    raise RuntimeError("this one fails")

def leave():
    note("leaving")
    sys.exit(7)

def long():
    note("begin")
    time.sleep(1.5)
    note("end")

async def long_wait():
    note("begin")
    await asyncio.sleep(1.5)
    note("end")
"""


def notes(process: Any, name: str = "") -> list[list[str]]:
    path = process.folder / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split() for line in lines if line.startswith(name)]


def schedule(**tasks: Any) -> dict[str, Any]:
    return {"schedule": tasks}


def start(serve: Any, conf: dict[str, Any] | str, *options: str, **kwargs: Any) -> Any:
    return serve(conf, {"tasks.py": TASKS}, *options, **kwargs)


def test_startup_runs_once(serve: Any) -> None:
    process = start(serve, schedule(now={"function": "tasks.note('now')", "startup": True}))
    process.wait_for(lambda: notes(process, "now"))
    process.kill(signal.SIGHUP)
    process.wait_log("Reloaded")
    process.get("/")
    assert len(notes(process, "now")) == 1
    assert notes(process)[0][2] == "True"


def test_startup_star_runs_at_each_change_of_the_configuration(serve: Any) -> None:
    process = start(serve, schedule(now={"function": "tasks.note", "startup": "*"}))
    process.wait_for(lambda: len(notes(process)) == 1)
    process.kill(signal.SIGHUP)
    process.wait_for(lambda: len(notes(process)) == 2)


def test_every(serve: Any) -> None:
    process = start(serve, schedule(often={"function": "tasks.note()", "every": "0.1 seconds"}))
    process.wait_for(lambda: len(notes(process)) >= 3)
    assert "often failed" not in process.log


def test_arguments_and_coroutines(serve: Any) -> None:
    task = {"function": "tasks.wait", "kwargs": {"name": "mine", "seconds": 0.01}, "startup": True}
    process = start(serve, schedule(task=task))
    process.wait_for(lambda: notes(process, "mine"))


def test_thread(serve: Any) -> None:
    process = start(serve, schedule(task={"function": "tasks.note", "startup": True, "thread": True}))
    process.wait_for(lambda: notes(process))
    assert notes(process)[0][2] == "False"


def test_requests_are_answered_while_a_thread_works(serve: Any) -> None:
    process = start(serve, schedule(task={"function": "tasks.long", "startup": True, "thread": True}))
    process.wait_for(lambda: notes(process, "begin"))
    process.get("/")
    assert not notes(process, "end")


def test_a_minute_between_two_processes_is_not_lost(serve: Any, tmp_path: Path) -> None:
    """One that let go before the full minute leaves it to the next one, which runs its tasks at once, and once."""
    data = tmp_path / "mine"
    data.mkdir()
    (data / "schedule.json").write_text(json.dumps({"time": time.time() // 60 * 60 - 1, "due": {}}))
    process = start(serve, schedule(task={"function": "tasks.note", "minutes": "*"}), data=data)
    process.wait_for(lambda: notes(process))
    assert len(notes(process)) == 1


@pytest.mark.parametrize("function", ["fail", "leave"])
def test_a_failing_task_is_logged_and_runs_again(serve: Any, function: str) -> None:
    process = start(serve, schedule(bad={"function": f"tasks.{function}", "every": "0.1s"}))
    process.wait_for(lambda: len(notes(process)) >= 2)
    assert "schedule:bad failed" in process.log
    assert process.get("/tasks").status == 404


def test_a_task_does_not_overlap_itself(serve: Any) -> None:
    process = start(serve, schedule(slow={"function": "tasks.long_wait", "every": "0.2s"}))
    process.wait_for(lambda: notes(process, "end"))
    assert "schedule:slow is still at work: it is not started again" in process.log
    names = [line[0] for line in notes(process)]
    assert names[:2] == ["begin", "end"]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"function": "tasks.note()"}, "has no schedule"),
    ({"every": "1s"}, "has no function"),
    ({"function": "tasks.note()", "every": "soon"}, "every: must be a period such as 30s or 1h 30m, not 'soon'"),
    ({"function": "tasks.note()", "hours": 25}, "hours: '25' is not from 0 to 23"),
    ({"function": "nowhere.note()", "every": "1s"}, "'nowhere' is neither a variable nor a module"),
    ({"function": "tasks.", "every": "1s"}, "is no Python expression"),
    ({"function": "tasks.note()", "every": "1s", "thread": "maybe"}, "thread: must be true or false, not 'maybe'"),
]


@pytest.mark.parametrize(("spec", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_names_its_place_and_costs_its_entry(serve: Any, spec: dict[str, Any], message: str) -> None:
    process = start(serve, schedule(good={"function": "tasks.note()", "startup": True}, bad=spec))
    process.wait_for(lambda: notes(process))
    lines = [line for line in process.log.splitlines() if "schedule:bad" in line]
    assert len(lines) == 1
    assert "gramex.yaml:" in lines[0]
    assert message in lines[0]
    assert "Traceback" not in process.log


def test_a_mistake_has_the_line_of_its_key(serve: Any) -> None:
    conf = "schedule:\n  bad:\n    function: tasks.note()\n    hours: 25\n"
    assert "gramex.yaml:4: schedule:bad: hours: '25' is not" in start(serve, conf).log


def test_check_finds_mistakes_and_runs_nothing(check: Any, tmp_path: Path) -> None:
    (tmp_path / "gramex.yaml").write_text(
        "schedule:\n"
        '  good: {function: \'open("ran", "w")\', startup: true}\n'
        "  bad: {function: str.upper}\n"
        "  both: {function: str.upper, every: 1s, hours: 1}\n"
    )
    found = check(tmp_path)
    assert len(found) == 2
    assert any(text.startswith("gramex.yaml:3: schedule:bad: has no schedule") for text in found)
    assert any(text.startswith("warning: gramex.yaml:4: schedule:both: every: is used") for text in found)
    assert not (tmp_path / "ran").exists()


def test_no_mapping(serve: Any) -> None:
    process = start(serve, {"schedule": ["tasks.note"]})
    assert "schedule: must be a mapping of names to entries" in process.log
    process = start(serve, {"schedule": {"bad": "tasks.note"}})
    assert "schedule:bad: must be a mapping, not 'tasks.note'" in process.log


def test_every_beats_cron(serve: Any) -> None:
    process = start(serve, schedule(both={"function": "tasks.note()", "every": "0.1s", "years": 2001}))
    process.wait_for(lambda: notes(process))
    assert "schedule:both: every: is used, and years ignored" in process.log


def test_unknown_keys_are_named(serve: Any) -> None:
    process = start(serve, schedule(odd={"function": "tasks.note()", "minute": 5, "startup": True}))
    assert "schedule:odd: minute: is not known: did you mean minutes?" in process.log


def test_a_time_that_has_been(serve: Any) -> None:
    process = start(serve, schedule(late={"function": "tasks.note()", "years": 2001}))
    process.wait_log("schedule:late: there is no time left at which it could run")


def test_reload_leaves_tasks_alone_that_did_not_change(serve: Any) -> None:
    kept = {"function": "tasks.note('kept')", "every": "2s"}
    process = start(serve, schedule(kept=kept, gone={"function": "tasks.note('gone')", "every": "0.1s"}))
    begin = time.monotonic()
    process.wait_for(lambda: notes(process, "gone"))
    new = {"function": "tasks.note('new')", "every": "0.1s"}
    (process.folder / "gramex.yaml").write_text(json.dumps(schedule(kept=kept, new=new)))
    process.kill(signal.SIGHUP)
    process.wait_for(lambda: notes(process, "new"))
    gone = len(notes(process, "gone"))
    # Reloads more often than its period would keep it from running if they began it anew.
    while not notes(process, "kept"):
        assert time.monotonic() - begin < 20
        process.kill(signal.SIGHUP)
        time.sleep(0.3)
        process.notify.poll()  # it is told of each reload, and waits for its manager to listen
    assert len(notes(process, "gone")) == gone


def test_a_section_that_comes_with_a_reload(serve: Any) -> None:
    process = start(serve, {})
    (process.folder / "gramex.yaml").write_text(json.dumps(schedule(new={"function": "tasks.note()", "every": "0.1s"})))
    process.kill(signal.SIGHUP)
    process.wait_for(lambda: notes(process))


def two(serve: Any, conf: dict[str, Any], *options: str) -> tuple[Any, Any]:
    first = start(serve, conf, *options)
    second = serve(None, None, *options, folder=first.folder, data=first.data)
    return first, second


def pids(process: Any) -> set[str]:
    return {line[1] for line in notes(process)}


def test_one_of_two_processes_runs_tasks_and_the_other_takes_over(serve: Any) -> None:
    tasks = schedule(
        often={"function": "tasks.note('often')", "every": "0.1s"},
        now={"function": "tasks.note('now')", "startup": True},
    )
    first, second = two(serve, tasks)
    before = len(notes(first, "often"))
    first.wait_for(lambda: len(notes(first, "often")) >= before + 8)
    assert pids(first) == {str(first.pid)}
    assert len(notes(first, "now")) == 1
    first.stop()
    second.wait_for(lambda: str(second.pid) in pids(second))
    assert len(notes(second, "now")) == 2


def test_the_lock_is_let_go_when_the_drain_starts(serve: Any) -> None:
    first, second = two(serve, schedule(often={"function": "tasks.note()", "every": "0.1s"}), "--listen.drain=30")
    connection = first.connection()
    connection.request("GET", "/")
    connection.getresponse().read()
    first.kill(signal.SIGTERM)  # the open connection keeps it draining
    second.wait_for(lambda: str(second.pid) in pids(second))
    assert first.process.poll() is None
    last = max(index for index, line in enumerate(notes(first)) if line[1] == str(first.pid))
    count = len(notes(second))
    second.wait_for(lambda: len(notes(second)) >= count + 3)
    assert all(line[1] == str(second.pid) for line in notes(second)[last + 1 :])


def test_a_killed_process_loses_the_lock(serve: Any) -> None:
    first, second = two(serve, schedule(often={"function": "tasks.note()", "every": "0.1s"}))
    first.wait_for(lambda: notes(first))
    first.kill(signal.SIGKILL)
    first.wait()
    second.wait_for(lambda: str(second.pid) in pids(second))


def test_a_period_goes_on_over_a_hand_over(serve: Any) -> None:
    """Deploys more often than the period must not keep a task from running."""
    first, second = two(serve, schedule(rare={"function": "tasks.note()", "every": "1h"}))
    first.stop()
    note = first.data / "schedule.json"
    second.wait_for(lambda: not note.exists())  # it is used once
    second.stop()
    content = json.loads(note.read_text())
    assert 3580 < content["due"]["schedule:rare"] - content["time"] < 3600
    content["due"]["schedule:rare"] = time.time() + 0.5
    content["time"] = time.time()
    note.write_text(json.dumps(content))
    third = serve(None, None, folder=first.folder, data=first.data)
    third.wait_for(lambda: notes(third))


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"time": "x", "due": {}}', '{"time": 1, "due": {"schedule:a": 1}}']
)
def test_a_useless_note_is_left_alone(serve: Any, tmp_path: Path, content: str) -> None:
    data = tmp_path / "mine"
    data.mkdir()
    (data / "schedule.json").write_text(content)
    process = start(serve, schedule(a={"function": "tasks.note()", "every": "1s"}), data=data)
    assert not notes(process)  # not at once, as a note of a moment ago would have it
    process.wait_for(lambda: notes(process))


def test_tasks_at_work_are_finished_and_not_run_twice(serve: Any) -> None:
    first, second = two(serve, schedule(slow={"function": "tasks.long_wait", "startup": True}))
    first.wait_for(lambda: notes(first, "begin"))
    assert first.stop() == 0
    second.wait_for(lambda: len(notes(second, "end")) == 2)
    assert [line[0] for line in notes(second)] == ["begin", "end", "begin", "end"]


def test_a_task_does_not_hold_up_the_end_for_ever(serve: Any) -> None:
    process = start(serve, schedule(slow={"function": "tasks.wait('x', 60)", "startup": True}), "--listen.drain=0.2")
    process.get("/")
    assert process.stop() == 0
    assert "Waiting up to" in process.log


def test_apps_that_share_the_folder_that_nobody_chose(serve: Any) -> None:
    """Two apps of one user are no instances of each other."""
    tasks = schedule(now={"function": "tasks.note()", "startup": True})
    first = start(serve, tasks, env={"GRAMEXDATA": None})
    second = start(serve, tasks, env={"GRAMEXDATA": None})
    first.wait_for(lambda: notes(first))
    second.wait_for(lambda: notes(second))


def test_nothing_is_loaded_for_it_without_the_section(serve: Any) -> None:
    code = "import sys\ndef loaded(handler):\n    return str('gramex.services.schedule' in sys.modules)\n"
    url = {
        "url": {"loaded": {"pattern": "/loaded", "handler": "FunctionHandler", "kwargs": {"function": "seen.loaded"}}}
    }
    process = serve(url, {"seen.py": code})
    assert process.get("/loaded").text == "False"
    assert not (process.data / "schedule.lock").exists()


def test_apps_run_a_task_at_once(serve: Any) -> None:
    code = (
        "import gramex\n"
        "def run(handler):\n    return gramex.service.schedule[handler.get_arg('task')].run()\n"
        "def names(handler):\n    return sorted(gramex.service.schedule), len(gramex.service.alert)\n"
    )
    url = {
        name: {"pattern": f"/{name}", "handler": "FunctionHandler", "kwargs": {"function": f"runs.{name}"}}
        for name in ("run", "names")
    }
    never = {"years": 2099}
    tasks = {
        "plain": {"function": "str(40 + 2)", **never},
        "later": {"function": "tasks.wait('later')", **never},
        "aside": {"function": "tasks.note('aside')", "thread": True, **never},
        "fails": {"function": "tasks.fail()", **never},
        "wrong": {"function": "tasks.note()", "every": "soon"},
    }
    process = serve({"url": url, "schedule": tasks}, {"tasks.py": TASKS, "runs.py": code})
    assert process.get("/names").json() == [["aside", "fails", "later", "plain"], 0]
    assert process.get("/run?task=plain").text == "42"
    assert [process.get(f"/run?task={name}").status for name in ("later", "aside", "fails", "wrong")] == [
        200, 200, 500, 500,
    ]  # fmt: skip
    assert {(line[0], line[2]) for line in notes(process)} == {
        ("later", "True"),
        ("aside", "False"),
        ("failing", "True"),
    }
    assert "schedule: has no entry 'wrong' that could be used" in process.log
