"""The data folder and the key for cookies."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gramex.services import datafolder
from gramex.services.datafolder import cookie_secret, ensure_data_folder

KEY = "from pathlib import Path; from gramex.services.datafolder import cookie_secret as c; import sys\n"


def test_folder_is_made_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "data"
    assert ensure_data_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0


def test_many_processes_agree_on_one_key(tmp_path: Path) -> None:
    code = KEY + "sys.stdin.read(); print(c(None, Path(sys.argv[1]), True))"
    run = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(12)]
    for process in processes:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
    keys = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(keys) == 1
    (key,) = keys
    assert len(key) == 64
    path = tmp_path / "cookie.key"
    assert path.read_text() == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["cookie.key"]


def test_key_is_kept(tmp_path: Path) -> None:
    assert cookie_secret(None, tmp_path, True) == cookie_secret(None, tmp_path, True)


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    key = cookie_secret(None, tmp_path, True)
    assert (tmp_path / "cookie.key").read_text() == key
    assert cookie_secret(None, tmp_path, True) == key
    assert [path.name for path in tmp_path.iterdir()] == ["cookie.key"]


def test_order_of_sources(tmp_path: Path, serve: Any) -> None:
    conf = {"url": {"key": {"pattern": "/key", "handler": "FunctionHandler", "kwargs": {"function": "show.key"}}}}
    files = {"show.py": "def key(handler):\n    return handler.settings['cookie_secret']\n"}
    data = tmp_path / "data"

    def key(*options: str, **kwargs: Any) -> str:
        process = serve(conf, files, *options, data=data, **kwargs)
        text = process.get("/key").text
        assert process.stop() == 0
        assert text not in process.log
        return text

    own = key()
    assert own == (data / "cookie.key").read_text()
    variable = {"GRAMEX_COOKIE_SECRET": "the environment's secret"}
    assert key(env=variable) == "the environment's secret"
    assert key("--settings.cookie_secret=the secret of the settings", env=variable) == "the secret of the settings"
    files[".secrets.yaml"] = "GRAMEX_COOKIE_SECRET: the secret of the file"
    assert key() == "the secret of the file"


@pytest.mark.parametrize(("secret", "warned"), [("secret-key", True), ("gramex-", True), ("x" * 16, False)])
def test_a_configured_key_that_can_be_guessed_is_warned_about(
    tmp_path: Path, caplog: Any, secret: str, warned: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        assert cookie_secret(secret, tmp_path, True) == secret
    assert ("can be guessed" in caplog.text) is warned
    assert "secret-key" not in caplog.text


def test_read_only_folder_with_a_key_uses_it(tmp_path: Path) -> None:
    own = cookie_secret(None, tmp_path, True)
    assert cookie_secret(None, tmp_path, False) == own


def test_read_only_folder_without_a_key_gets_one_in_memory(tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        first, second = (cookie_secret(None, tmp_path, False) for _ in range(2))
    assert first != second
    assert "Set GRAMEX_COOKIE_SECRET" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_key_that_is_too_short_is_not_used(tmp_path: Path, caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datafolder, "KEY_WAIT", 0.1)
    (tmp_path / "cookie.key").write_text("short")
    assert len(cookie_secret(None, tmp_path, True)) == 64
    assert "less than 32 characters" in caplog.text
