"""A real PostgreSQL server in a temporary folder, on a UNIX socket, run by a user who is not root.

It takes a few seconds and Debian's package, which is installed where root runs the tests:
`GRAMEX_TEST_HOSTS=1 pytest tests/runtime/postgresql` runs it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hosts import engine

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]

# Debian's package makes a cluster and starts it, unless told not to.
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")


def programs() -> Path:
    """The folder of the server's programs."""
    for attempt in (1, 2):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
        if found[-1].is_file():
            return found[-1].parent
        if attempt == 1 and os.geteuid() == 0 and engine.is_debian():
            if not CLUSTERS.exists():
                CLUSTERS.parent.mkdir(exist_ok=True)
                CLUSTERS.write_text("create_main_cluster = false\n")
            engine.install(("postgresql",))
    pytest.fail("PostgreSQL's server is needed: sudo apt-get install postgresql")


def other_user() -> dict[str, Any]:
    """Who runs the server, as arguments of subprocess: it refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.fail("there is neither a user postgres nor nobody to run PostgreSQL")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The server's URL, with a database that is empty."""
    folder, who, where = Path(tempfile.mkdtemp(prefix="gxpg", dir="/tmp")), other_user(), programs()
    if who:
        os.chown(folder, who["user"], who["group"])
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    options: dict[str, Any] = {"cwd": folder, "env": environment, **who}
    data = folder / "data"
    made = subprocess.run(
        [where / "initdb", "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--no-sync"],
        capture_output=True, text=True, timeout=120, **options,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([where / "postgres", "-D", data, *settings], stdout=log, stderr=log, **options)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(host=str(folder), user="app", dbname="postgres").close()
                break
            except psycopg.OperationalError:
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.05)
        yield f"postgresql://app@/postgres?host={folder}"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def run(postgresql: str) -> Callable[[str], None]:
    """Run statements in the database."""

    def execute(sql: str) -> None:
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(sql)  # type: ignore[call-overload,arg-type,unused-ignore]

    return execute
