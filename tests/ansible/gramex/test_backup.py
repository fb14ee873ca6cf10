"""Backups of an app's data, env and secrets while it runs, and the way back."""

from __future__ import annotations

import getpass
import gzip
import os
import shutil
import sqlite3
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from gramex_deploy import bringback, files, record, removal, saved
from gramex_deploy.problem import Problem
from gramex_deploy.record import Record, Release
from gramex_deploy.standing import Standing

pytestmark = pytest.mark.usefixtures("owners")


class Services:
    """Services that are played: what was asked for, with what the app would have read at its start."""

    boot = "yes"

    def __init__(self, place: Path) -> None:
        self.place, self.running, self.fails = place, "blue", 0
        self.seen: list[str] = []

    def state(self, colour: str) -> str:
        return "running" if self.running == colour else "stopped"

    def drain(self, colour: str) -> None:
        assert not (self.place / "home" / "active").exists(), "a connection could start the app now"
        self.running = ""

    def start(self, colour: str, timeout: int, keep: bool = False) -> None:
        link = (self.place / "home" / "run" / f"{colour}-1").readlink().name
        self.seen.append(f"{link} {(self.place / 'data' / 'site' / 'note').read_text()}")
        if self.fails:
            self.fails -= 1
            raise Problem("it does not start")
        self.running = colour

    def face(self, colour: str) -> None:
        pass


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(removal, "DATA", tmp_path / "data")
    monkeypatch.setattr(removal, "CONFIG", tmp_path / "config")
    monkeypatch.setattr(saved, "WORK", tmp_path / "work")
    monkeypatch.setattr(Standing, "text", lambda _: "unit")
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def app(place: Path) -> Any:
    """An app that serves, with data of every kind."""
    home, data, config = place / "home", place / "data" / "site", place / "config" / "site"
    for folder in ("releases/r1", "releases/r2", "venvs/e", "run"):
        (home / folder).mkdir(parents=True)
    (home / "run" / "blue-1").symlink_to("../releases/r2")
    (home / "active").write_text("blue\n")
    known = Record({"r1": Release("d1", "e", "good", 1), "r2": Release("d2", "e", "good", 2)})
    known.settings = {"drain": 1, "start_timeout": 5, "keep": 5, "user": getpass.getuser()}
    known.write(home)
    (data / "uploads" / "empty").mkdir(parents=True)
    (data / "note").write_text("as it was")
    (data / "note").chmod(0o640)
    os.utime(data / "note", (1_700_000_000, 1_700_000_000))
    (data / "uploads" / "link").symlink_to("../note")
    (data / "elsewhere").symlink_to("/etc/passwd")
    os.mkfifo(data / "pipe")
    config.mkdir(parents=True)
    (config / "secrets.yaml").write_text("PASSWORD: old\n")
    return Standing("site", home, known, Services(place))  # type: ignore[arg-type]


@pytest.fixture
def archive(app: Any, place: Path) -> Path:
    saved.save(app, place / "site.tar.gz")
    return place / "site.tar.gz"


def lose(place: Path) -> None:
    shutil.rmtree(place / "data" / "site")
    (place / "data" / "site").mkdir()
    (place / "data" / "site" / "note").write_text("lost")
    (place / "config" / "site" / "secrets.yaml").write_text("PASSWORD: new\n")
    (place / "config" / "site" / "env").write_text("x")
    (place / "config" / "site" / "schedule.json").write_text("of the deploy")


def test_what_is_lost_comes_back(app: Any, archive: Path, place: Path) -> None:
    lose(place)
    said = bringback.restore(app, archive)
    data = place / "data" / "site"
    assert (data / "note").read_text() == "as it was"
    assert stat.S_IMODE((data / "note").stat().st_mode) == 0o640
    assert (data / "note").stat().st_mtime == 1_700_000_000
    assert (data / "uploads" / "empty").is_dir()
    assert {str(link.readlink()) for link in data.rglob("*") if link.is_symlink()} == {"../note", "/etc/passwd"}
    assert not (data / "pipe").exists()
    assert {file.name: file.read_text() for file in (place / "config" / "site").iterdir()} == {
        "secrets.yaml": "PASSWORD: old\n",
        "schedule.json": "of the deploy",
    }
    assert "r2 serves as blue" in said
    assert app.services.seen == ["r2 as it was"]
    assert record.active(app.home) == "blue"
    assert sorted(place.joinpath("data").iterdir()) == [data]


def test_the_release_of_the_backup_comes_back_too(app: Any, archive: Path, place: Path) -> None:
    files.point(app.home / "run" / "blue-1", "../releases/r1")
    bringback.restore(app, archive)
    assert app.services.seen == ["r2 as it was"]
    app.record.releases["r2"].state = "bad"
    files.point(app.home / "run" / "blue-1", "../releases/r1")
    assert "its release r2 is not on the host" in bringback.restore(app, archive)
    assert app.services.seen[1:] == ["r1 as it was"]


@pytest.mark.parametrize("secret", ["old", "new"])
def test_a_deploy_looks_again_where_secrets_differ(app: Any, archive: Path, place: Path, secret: str) -> None:
    (place / "config" / "site" / "secrets.yaml").write_text(f"PASSWORD: {secret}\n")
    bringback.restore(app, archive)
    assert (Record.read(app.home).started["blue"] == app.wanted("r2")) == (secret == "old")


def test_a_backup_that_does_not_serve_gives_way(app: Any, archive: Path, place: Path) -> None:
    lose(place)
    app.services.fails = 1
    with pytest.raises(Problem, match="what was there before does again: it does not start"):
        bringback.restore(app, archive)
    assert app.services.seen == ["r2 as it was", "r2 lost"]
    assert (place / "config" / "site" / "env").read_text() == "x"
    assert record.active(app.home) == "blue"
    assert [folder.name for folder in (place / "data").iterdir()] == ["site"]


@pytest.mark.parametrize("cut", [40, -200])
def test_a_damaged_backup_changes_nothing(app: Any, archive: Path, place: Path, cut: int) -> None:
    (place / "data" / "site" / "big").write_bytes(os.urandom(100_000))
    saved.save(app, archive)
    archive.write_bytes(archive.read_bytes()[:cut])
    lose(place)
    with pytest.raises(Problem, match="damaged"):
        bringback.restore(app, archive)
    assert (place / "data" / "site" / "note").read_text() == "lost"
    assert app.services.seen == []
    assert [folder.name for folder in (place / "data").iterdir()] == ["site"]


def test_one_flipped_byte_is_noticed(app: Any, archive: Path, place: Path) -> None:
    raw = bytearray(gzip.decompress(archive.read_bytes()))
    raw[raw.index(b"as it was")] ^= 1
    good = archive.read_bytes()
    archive.write_bytes(gzip.compress(bytes(raw))[:-8] + good[-8:])
    with pytest.raises(Problem, match="damaged"):
        bringback.restore(app, archive)


def test_other_files_are_refused(app: Any, archive: Path, place: Path) -> None:
    with tarfile.open(place / "other.tar.gz", "w:gz") as tar:
        tar.add(place / "data" / "site" / "note", "note")
    with pytest.raises(Problem, match=r"other\.tar\.gz is not a backup"):
        bringback.restore(app, place / "other.tar.gz")
    app.name = "wiki"
    with pytest.raises(Problem, match="a backup of the app site, not of wiki"):
        bringback.restore(app, archive)


def test_an_interrupted_restore_lost_nothing(app: Any, archive: Path, place: Path) -> None:
    (place / "data" / "site").rename(place / "data" / ".site.before")
    app.name = "site"
    with pytest.raises(Problem):
        bringback.restore(app, place / "none.tar.gz")
    bringback.restore(app, archive)
    assert (place / "data" / "site" / "note").read_text() == "as it was"


def test_a_database_in_use_is_copied_in_one_state(app: Any, place: Path) -> None:
    database = place / "data" / "site" / "sql.db"
    with sqlite3.connect(database) as open_one:
        open_one.execute("PRAGMA journal_mode=WAL")
        open_one.execute("CREATE TABLE t (n)")
        open_one.execute("INSERT INTO t VALUES (1)")
        open_one.commit()
        open_one.execute("INSERT INTO t VALUES (2)")  # not committed
        saved.save(app, place / "site.tar.gz")
        open_one.rollback()
    open_one.close()
    with tarfile.open(place / "site.tar.gz") as tar:
        names = [name for name in tar.getnames() if "sql.db" in name]
        tar.extract("data/sql.db", place / "out", filter="data")
    assert names == ["data/sql.db"]
    with sqlite3.connect(place / "out" / "data" / "sql.db") as copy:
        assert copy.execute("SELECT n FROM t").fetchall() == [(1,)]
    copy.close()


def test_a_backup_is_for_its_owner_alone(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
