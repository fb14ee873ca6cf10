"""What a host says of interpreters and folders, against this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from gramex_preflight import folders, interpreters


def test_interpreter(tmp_path: Path) -> None:
    found = interpreters.read(sys.executable)
    assert (tuple(found["version"]), found["venv"], found["error"]) == (sys.version_info[:3], True, "")
    assert interpreters.read("/nowhere/python3")["error"] == "there is no such file"
    script = tmp_path / "python3"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    assert interpreters.read(str(script))["error"] == "it is no Python 3"


def test_interpreter_in_a_closed_folder(tmp_path: Path) -> None:
    link = tmp_path / "closed" / "python3"
    link.parent.mkdir(mode=0o700)
    script = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    link.write_text(script)
    link.chmod(0o755)
    assert not interpreters.read(str(link))["reachable"]


def test_an_interpreter_below_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreters.reachable("/usr/bin/python3")
    monkeypatch.setattr(Path, "resolve", lambda path: Path("/home/ann/python/bin/python3.12"))
    assert not interpreters.reachable("/usr/bin/python3"), "units hide it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try what others may")
def test_an_interpreter_without_a_library_that_others_may_read(tmp_path: Path) -> None:
    script = tmp_path / "python3"
    script.write_text('#!/bin/sh\ntest "$(id -u)" = 0\n')
    script.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    assert subprocess.run([script, "-I", "-c", ""], check=False).returncode == 0
    assert not interpreters.reachable(str(script))


def test_folders_of_the_host_that_are_apps(tmp_path: Path) -> None:
    app, empty, closed = (tmp_path / name for name in ("app", "empty", "closed"))
    for folder in (app, empty, closed):
        folder.mkdir()
    (app / "gramex.yaml").write_text("url: {}\n")
    (closed / "gramex.yaml").symlink_to("gramex.yaml")
    assert folders.unfit(str(app)) == ""
    assert folders.unfit(str(empty)) == f"the folder {empty} has no gramex.yaml, so it is not an app"
    assert folders.unfit(str(tmp_path / "none")) == f"there is no folder {tmp_path}/none on {socket.gethostname()}"
    assert folders.unfit(str(app / "gramex.yaml")) == f"{app}/gramex.yaml cannot be read: Not a directory"
    assert folders.unfit(str(closed)) == f"{closed}/gramex.yaml cannot be read: Too many levels of symbolic links"
