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


def test_order_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = cookie_secret(None, tmp_path, True)
    monkeypatch.setenv("GRAMEX_COOKIE_SECRET", "of the environment")
    assert cookie_secret(None, tmp_path, True) == "of the environment"
    assert cookie_secret("of the settings", tmp_path, True) == "of the settings"
    monkeypatch.delenv("GRAMEX_COOKIE_SECRET")
    assert cookie_secret("", tmp_path, True) == own


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
