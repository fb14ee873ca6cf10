"""One run at a time changes a host; a dead one is in nobody's way."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

import pytest
from gramex_deploy import lock
from gramex_source import holder

pytestmark = pytest.mark.usefixtures("owners")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "FOLDER", tmp_path / "lock")
    return tmp_path / "lock"


def lease(token: str = "a", **more: Any) -> dict[str, Any]:
    return {"token": token, "holder": "ann@desk", "purpose": "a deploy of site", "seconds": 60, **more}


def test_a_second_run_is_told_who_and_what_for() -> None:
    lock.take(lease())
    with pytest.raises(
        lock.Held, match=r"ann@desk changes this host: a deploy of site, since \d\d:\d\d:\d\d UTC"
    ) as held:
        lock.take(lease("b", holder="bob@desk"))
    assert held.value.lease["token"] == "a"
    assert "gramex_break_lock=true" in str(held.value)


def test_the_same_run_renews_and_gives_back(place: Path) -> None:
    lock.take(lease(seconds=0))
    since = lock.holder()["since"]
    lock.take(lease(seconds=60))
    assert lock.holder()["since"] == since
    assert lock.holder()["until"] >= since + 60
    lock.give(lease("b"))
    assert lock.holder() is not None
    lock.give(lease())
    assert lock.holder() is None
    lock.take(lease("b"))


def test_what_one_process_does_has_the_host_for_as_long_as_it_takes(place: Path) -> None:
    with lock.had(lease()):
        assert lock.holder()["token"] == "a"
        with pytest.raises(lock.Held):
            lock.take(lease("b"))
        with (place / "process").open("w") as other, pytest.raises(BlockingIOError):
            flock(other, LOCK_EX | LOCK_NB)
    assert lock.holder() is None
    with pytest.raises(ZeroDivisionError), lock.had(lease()):
        raise ZeroDivisionError
    assert lock.holder() is None


@pytest.mark.parametrize("more", [{"broken": True}, {"instead": "a"}])
def test_a_lock_is_broken_and_its_former_holder_refused(more: dict[str, Any]) -> None:
    lock.take(lease())
    lock.take(lease("b", **more))
    with pytest.raises(lock.Held):
        lock.take(lease())
    lock.give(lease())
    assert lock.holder()["token"] == "b"


def test_only_the_dead_run_that_was_named_is_replaced() -> None:
    lock.take(lease())
    with pytest.raises(lock.Held):
        lock.take(lease("c", instead="b"))


def test_a_lease_ends() -> None:
    lock.take(lease(seconds=-1))
    lock.take(lease("b"))


def test_what_cannot_be_read_binds_nobody(place: Path) -> None:
    place.mkdir()
    for text in ("", "[]", "{", json.dumps({"token": "a", "until": "soon", "since": 1})):
        place.joinpath("lease.json").write_text(text)
        lock.take(lease("b"))
        lock.give(lease("b"))


def test_others_cannot_look_into_the_folder(place: Path) -> None:
    lock.take(lease())
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_the_process_that_changes_something_is_alone() -> None:
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, int(sys.argv[2])); print(flush=True); input()"
    with lock.alone():
        place = str(lock.FOLDER / "process")
        refused = subprocess.run(
            [sys.executable, "-c", code, place, str(LOCK_EX | LOCK_NB)], capture_output=True, input=b"\n"
        )
        assert b"BlockingIOError" in refused.stderr
    with subprocess.Popen(
        [sys.executable, "-c", code, place, str(LOCK_EX)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(lock.Problem, match="let it end"), lock.alone(seconds=0):
            pass
        other.kill()
    with lock.alone(seconds=5):
        pass


def test_a_run_of_this_machine_is_known_to_be_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        token = holder.token(process.pid)
        assert not holder.dead({"token": token})
        process.kill()
    assert holder.dead({"token": token})


def test_a_run_of_another_machine_is_not_judged() -> None:
    mine = holder.token(os.getpid())
    assert not holder.dead({"token": mine.replace(mine.split("/")[0], "elsewhere", 1)})
    assert not holder.dead({"token": "nonsense"})
    assert holder.dead({"token": mine.rpartition(" ")[0] + " 1"}), "the number was given to another process since"


def test_a_dead_runs_place_is_taken_once() -> None:
    asked = []
    mine = holder.token(os.getpid())
    dead = mine.rpartition(" ")[0] + " 1"

    def execute(told: dict[str, Any]) -> dict[str, Any]:
        asked.append(told["lease"].get("instead"))
        return {"held": {"token": dead}} if len(asked) == 1 else {"held": {"token": mine}, "failed": True}

    assert holder.ask(execute, {"lease": lease("b")})["failed"]
    assert asked == [None, dead]
