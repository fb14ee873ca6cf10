"""An engine that was found is never stopped; one that cannot be had is one line for the user."""

import os
import subprocess

import pytest

from hosts import engine


@pytest.fixture
def daemon():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_an_engine_that_was_started_here_is_stopped(daemon: subprocess.Popen[bytes]) -> None:
    engine.Engine("1", daemon.pid).stop()
    with pytest.raises(ProcessLookupError):
        os.kill(daemon.pid, 0)


def test_an_engine_that_was_found_is_left_alone(daemon: subprocess.Popen[bytes]) -> None:
    engine.Engine("1").stop()
    assert daemon.poll() is None


def test_an_engine_that_runs_is_taken_and_none_started(monkeypatch: pytest.MonkeyPatch) -> None:
    found = engine.Engine("20.10")
    monkeypatch.setattr(engine, "find", lambda: found)
    monkeypatch.setattr(engine, "start", lambda: pytest.fail("a second engine was started"))
    assert engine.ensure() is found


@pytest.mark.parametrize(("user", "debian"), [(1000, True), (0, False)])
def test_without_one_a_line_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, user: int, debian: bool) -> None:
    monkeypatch.setattr(engine, "find", lambda: None)
    monkeypatch.setattr(engine, "is_debian", lambda: debian)
    monkeypatch.setattr(engine, "install", lambda packages: pytest.fail("packages were installed"))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(engine.Missing, match="no container engine answers") as missing:
        engine.ensure()
    assert "\n" not in str(missing.value)


def test_packages_that_cannot_be_had_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 100, "", "W: something\nE: Unable to locate package mmdebstrap\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(engine.Missing, match=r"mmdebstrap cannot be installed: E: Unable to locate package"):
        engine.install(("mmdebstrap",))
