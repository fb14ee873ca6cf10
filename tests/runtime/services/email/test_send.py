"""`gramex mail` sends alerts at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture
def mail(tmp_path: Path) -> Any:
    """Run `gramex mail` in a folder."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GRAMEXDATA": str(tmp_path / "data")}
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "gramex", "mail", *words],
            cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


def write(folder: Path, port: int) -> None:
    alert = {"to": "a@x.org", "every": "1 week"}
    alerts = {
        "one": {"to": "a@x.org", "body": "{% import mine %}{{ mine.text() }}"},
        "two": {**alert, "body": "{{ 1 / 0 }}"},
        "bad": {"every": "1 week"},
    }
    email = {"mine": {"type": "smtp", "host": "127.0.0.1", "port": port, "email": "app@x.org"}}
    (folder / "gramex.yaml").write_text(json.dumps({"email": email, "alert": alerts}))
    (folder / "mine.py").write_text("def text():\n    return 'of a module'\n")


def test_sends_at_once(mail: Any, smtp: Any, tmp_path: Path) -> None:
    server = smtp()
    write(tmp_path, server.port)
    done = mail("one")
    assert (done.returncode, done.stdout) == (0, "gramex mail: one: sent\n")
    assert "alert:bad: has no recipients" in done.stderr
    assert [each.message.get_content().strip() for each in server.mails] == ["of a module"]
    done = mail("two", "one")
    assert (done.returncode, done.stdout) == (1, "gramex mail: one: sent\n")
    assert "gramex mail: two: ZeroDivisionError: division by zero\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(server.mails) == 2
    assert not (tmp_path / "data").exists()


def test_what_there_is(mail: Any, tmp_path: Path) -> None:
    assert "there is no gramex.yaml in" in mail("one").stderr
    write(tmp_path, 25)
    assert mail("--list").stdout == "one\ntwo\n"
    for words, message in [
        ((), "say which alert to send. gramex mail --list shows what there is"),
        (("three",), "alert: has no entry 'three' that could be used; it has one, two"),
    ]:
        done = mail(*words)
        assert done.returncode == 2
        assert message in done.stderr
    (tmp_path / "gramex.yaml").write_text("version: 2\n")
    done = mail("one")
    assert done.returncode == 2
    assert "version: must be 1.0" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sample_is_right(mail: Any, tmp_path: Path) -> None:
    sample = mail("--init").stdout
    assert set(yaml.safe_load(sample)) == {"email", "alert"}
    (tmp_path / "gramex.yaml").write_text(sample)
    (tmp_path / ".secrets.yaml").write_text("MAIL_PASSWORD: x\n")
    done = mail("--list")
    assert (done.stdout, done.stderr) == ("hello\n", "")
