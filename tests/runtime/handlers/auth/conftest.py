"""What the tests of log ins share: an app with users, and a way to log in as a browser does."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import pytest

USERS = {"ann": "ann's secret", "bob": {"password": "bob's secret", "role": "admin", "teams": ["x", "y"]}}

PAGES = """
import asyncio, threading
waiting = threading.Event()

def session(handler):
    return handler.session

def put(handler):
    for name, values in handler.args.items():
        handler.session[name] = values[-1]
    return "put"

def user(handler):
    return handler.current_user or "nobody"

async def slow(handler):
    handler.session["slow"] = "done"
    open("waiting", "w").close()
    import os
    while os.path.exists("waiting"):
        await asyncio.sleep(0.01)
    return "slow"

def become(handler):
    handler.session["user"] = {"id": handler.get_arg("id")}
    return "became"
"""


@pytest.fixture
def app() -> Callable[..., tuple[dict[str, Any], dict[str, str]]]:
    """Configuration and files of an app with a log-in page and pages that show the session.

    Keyword arguments replace keys of the log-in page's ``kwargs``; `url` adds entries, `app` is the section.
    """

    def make(url: Any = None, app: Any = None, **login: Any) -> tuple[dict[str, Any], dict[str, str]]:
        def function(text: str, **kwargs: Any) -> dict[str, Any]:
            name = text.partition("(")[0]
            return {
                "pattern": f"/{name}",
                "handler": "FunctionHandler",
                "kwargs": {"function": f"pages.{text}", **kwargs},
            }

        conf = {
            "url": {
                "login": {
                    "pattern": "/login/",
                    "handler": "SimpleAuth",
                    "kwargs": {"credentials": USERS, "delay": 0, **login},
                },
                "logout": {"pattern": "/logout", "handler": "LogoutHandler"},
                "session": function("session(handler)"),
                "put": function("put(handler)"),
                "user": function("user(handler)"),
                "slow": function("slow(handler)"),
                "become": function("become(handler)"),
                "private": {
                    "pattern": "/private",
                    "handler": "FunctionHandler",
                    "kwargs": {"function": "handler.current_user['id']", "auth": True},
                },
                **(url or {}),
            },
            "app": app or {},
        }
        return conf, {"pages.py": PAGES, "page.html": "a page"}

    return make


@pytest.fixture
def log_in() -> Callable[..., Any]:
    """Get the log-in page, and send its form with a user and a password, as a browser does."""

    def submit(
        browser: Any, user: str = "ann", password: str = "ann's secret", path: str = "/login/", **more: Any
    ) -> Any:
        headers = more.pop("headers", {})
        page = browser.get(path, headers=headers)
        token = re.search(r'name="_xsrf" value="([^"]*)"', page.text)
        form = {"user": user, "password": password, "_xsrf": token[1] if token else "", **more}
        return browser.post(path, form, headers=headers)

    return submit


@pytest.fixture
def sid() -> Callable[..., Morsel[str] | None]:
    """The session's cookie that an answer sets, None if it sets none."""

    def find(answer: Any, name: str = "sid") -> Morsel[str] | None:
        found = [SimpleCookie(line)[name] for line in answer.all("Set-Cookie") if line.startswith(f"{name}=")]
        assert len(found) <= 1
        return found[0] if found else None

    return find


@pytest.fixture
def stored() -> Callable[[Path], list[str]]:
    """The sessions in a data folder, as JSON text."""

    def read(data: Path) -> list[str]:
        if not (data / "session.db").exists():
            return []
        connection = sqlite3.connect(data / "session.db")
        try:
            return [text for (text,) in connection.execute("SELECT data FROM session")]
        finally:
            connection.close()

    return read
