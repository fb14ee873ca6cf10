"""An app as the plan describes it, and folders to deploy."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gramex_deploy import files

TEMPLATES = Path(__file__).resolve().parents[3] / "ansible" / "roles" / "gramex" / "templates"


@pytest.fixture
def app() -> Callable[..., dict[str, Any]]:
    """Makes an app of the plan with what the role reads of it."""

    def make(name: str = "site", **keys: Any) -> dict[str, Any]:
        base = {
            "name": name,
            "state": "present",
            "source": "/nowhere",
            "apps": [],
            "user": f"gramex-{name}",
            "home": f"/srv/gramex/{name}",
            "data": f"/var/lib/gramex/{name}",
            "config": f"/etc/gramex/{name}",
            "socket": f"/run/gramex/{name}.sock",
            "port": None,
            "expose": False,
            "https": {},
            "needs": [],
            "schedule": [],
            "observe": 0,
            "instances": 1,
            "limits": {},
            "sandbox": {},
            "health": "/",
            "drain": 30,
            "keep": 5,
            "timeout": 300,
            "python": "/usr/bin/python3",
            "distribution": "gramex-runtime",
            "shared": [],
            "env": {},
            "secrets": {},
        }
        return {**base, **keys}

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Fills a folder: a name ending with / is a folder, a text beginning with `-> ` a link, with `*` an executable."""

    def fill(contents: dict[str, str], name: str = "app") -> Path:
        top = tmp_path / name
        top.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            place = top / path.rstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                place.mkdir(exist_ok=True)
            elif content.startswith("-> "):
                place.symlink_to(content[3:])
            else:
                place.write_text(content.removeprefix("*"), encoding="utf-8")
                place.chmod(0o755 if content.startswith("*") else 0o644)
        return top

    return fill


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets tests that give files to others run as anybody: names are this user's numbers."""
    monkeypatch.setattr(files, "uid", lambda _: os.geteuid())
    monkeypatch.setattr(files, "gid", lambda _: os.getegid())
    if os.geteuid() != 0:
        monkeypatch.setattr(os, "chown", lambda *_, **__: None)
        monkeypatch.setattr(os, "fchown", lambda *_: None)
