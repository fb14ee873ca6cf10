"""What a Windows host is to have of an app: what makes a new release, and what is in it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gramex_source.tree import SourceError
from gramex_source.wheel import Wheel
from gramex_windows.controller import wanted
from gramex_windows.controller.interpreter import Interpreter
from gramex_windows.host.record import App, Record, Release

SECRET = "hush-4711"


@pytest.fixture
def app(tmp_path: Path) -> dict[str, Any]:
    """An app of the plan, with the values of its secrets."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "gramex.yaml").write_text("url: {}\n")
    names = {"name": "site", "service": "gramex-site", "account": "NT SERVICE\\gramex-site", "source": str(folder)}
    places = {"home": "C:\\gramex\\site", "data": "C:\\data\\site", "port": 8001, "address": "127.0.0.1", "apps": []}
    rest = {"expose": False, "health": "/ready", "drain": 5, "keep": 3, "schedule": [], "env": {"A": "1"}}
    return {**names, **places, **rest, "secrets": {"TOKEN": SECRET}}


@pytest.fixture
def settings(tmp_path: Path) -> wanted.Settings:
    """What all apps share."""
    lock = tmp_path / "lock.txt"
    lock.write_text("tornado==6.6.1\n")
    python = Interpreter(tmp_path / "python.zip", "1" * 64, (3, 12))
    return wanted.Settings(Wheel(tmp_path / "gramex.whl", "2" * 64), lock, python)


Describe = Callable[..., dict[str, Any]]


@pytest.fixture
def describe(app: dict[str, Any], settings: wanted.Settings) -> Describe:
    """What the host is to have, with some keys of the app changed."""

    def made(record: Record | None = None, **changes: Any) -> dict[str, Any]:
        return wanted.describe({**app, **changes}, record or Record(key="k"), settings)

    return made


def test_the_same_is_the_same(describe: Describe) -> None:
    first = describe()
    assert describe()["digest"] == first["digest"]
    known = App({"20260101T000000Z-00000000": Release(first["digest"], first["environment"], "good")})
    known.active = next(iter(known.releases))
    again = describe(Record("k", {"site": known}))
    assert (again["archive"], again["changed"], again["registered"]) == (False, False, True)


@pytest.mark.parametrize(
    "change",
    [
        {"env": {"A": "2"}},
        {"secrets": {"TOKEN": "other"}},
        {"port": 8002},
        {"address": ""},
        {"health": "/"},
        {"data": "D:\\data"},
        {"schedule": [{"name": "nightly", "cron": "0 5 * * *", "command": "python job.py"}]},
    ],
    ids=str,
)
def test_what_makes_another_release(describe: Describe, change: dict[str, Any]) -> None:
    other = describe(**change)
    assert other["digest"] != describe()["digest"]
    assert other["environment"] == describe()["environment"]


def test_what_makes_another_environment(app: dict[str, Any], settings: wanted.Settings, describe: Describe) -> None:
    before = describe()["environment"]
    python = replace(settings.interpreter, digest="3" * 64)
    wheel = Wheel(settings.wheel.place, "4" * 64)
    keys = {before}
    for changed in (replace(settings, interpreter=python), replace(settings, wheel=wheel)):
        keys.add(wanted.describe(app, Record(key="k"), changed)["environment"])
    Path(app["source"], "requirements.txt").write_text("tea\n")
    keys.add(describe()["environment"])
    settings.lock.write_text("tornado==6.6.2\n")
    keys.add(describe()["environment"])
    assert len(keys) == 5


def test_a_bad_release_is_not_picked_again(describe: Describe) -> None:
    first = describe()
    known = App({"20260101T000000Z-00000000": Release(first["digest"], first["environment"], "bad")})
    assert describe(Record("k", {"site": known}))["archive"]


def test_secrets_are_not_in_it(describe: Describe) -> None:
    assert SECRET not in json.dumps(describe())


def test_the_server_is_told_where_to_listen(describe: Describe) -> None:
    where = ["--listen.port=8001", "--listen.address=127.0.0.1"]
    assert describe()["options"] == [*where, "--listen.health=/ready", "--listen.drain=5"]
    assert describe(address="")["options"] == [where[0], "--listen.health=/ready", "--listen.drain=5"]


def test_the_script_is_python(describe: Describe) -> None:
    made = describe()
    compile(made["script"], made["module"], "exec")
    assert made["module"] == "service_site"


def test_former_tasks_are_named(describe: Describe) -> None:
    task = {"name": "nightly", "every": "1d", "command": "python job.py", "timeout": 90}
    known = App(tasks=["hourly", "nightly"])
    made = describe(Record("k", {"site": known}), schedule=[task])
    assert made["former"] == ["hourly"]
    assert made["tasks"][0]["limit"] == "PT1M30S"
    assert [(each["user"], each["state"]) for each in made["grants"]][2:] == [("S-1-5-19", "present")] * 2
    made = describe(Record("k", {"site": known}))
    assert [(each["user"], each["state"]) for each in made["grants"]][2:] == [("S-1-5-19", "absent")] * 2
    assert {each["user"] for each in describe()["grants"]} == {"NT SERVICE\\gramex-site"}


def test_a_link_is_refused(app: dict[str, Any], describe: Describe) -> None:
    Path(app["source"], "link").symlink_to("gramex.yaml")
    with pytest.raises(SourceError, match="link is a link"):
        describe()


def test_what_travels_is_what_was_compared(app: dict[str, Any], describe: Describe, tmp_path: Path) -> None:
    made = describe()
    wanted.pack(tmp_path / "payload.tar", [made], {"site": app})
    with tarfile.open(tmp_path / "payload.tar") as tar:
        assert tar.getnames() == ["site.tar.gz"]
    Path(app["source"], "late.txt").write_text("late\n")
    with pytest.raises(SourceError, match="changed while it was read"):
        wanted.pack(tmp_path / "payload.tar", [made], {"site": app})
