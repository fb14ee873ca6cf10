"""Writes the app that is fuzzed: every kind of handler and feature, and files that must be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# The only 5xx that the app means: what it raises itself, what it does not have, what a proxy's backend is guilty of.
RAISED = "Raised by the app"
CANARY = "CANARY-7f1d0c-"  # no request has it; an answer that has it shows what must be refused

CODE = f'''# {CANARY}code
import asyncio
from tornado.web import HTTPError
from gramex.handlers import BaseHandler
from gramex.transforms import handler

def echo(handler):
    return {{"args": handler.args, "path": handler.path_args, "user": handler.current_user}}

@handler
def typed(x: int, y: float = 1.0, words: list[str] = (), flag: bool = False):
    return {{"x": x, "y": y, "words": words, "flag": flag}}

async def later(handler):
    await asyncio.sleep(0)
    return handler.get_argument("x", "none")

def parts(handler):
    for number in range(3):
        yield f"part {{number}} "

def fails(handler):
    raise HTTPError(500, "as it should", reason="{RAISED}")

def remember(handler):
    handler.session["seen"] = handler.get_argument("x", "")[:100]
    return "seen"

def heard(handler, message):
    handler.write_message(message, binary=isinstance(message, bytes))

def change(content, handler):
    return content.upper()

def valid(handler):
    return handler.get_argument("x", "") != "bad"

class Own(BaseHandler):
    def get(self, *groups):
        self.write({{"groups": groups}})
    def post(self, *groups):
        self.write(self.request.body)
    put = patch = delete = post
'''


def entry(pattern: str, handler: str, **kwargs: Any) -> dict[str, Any]:
    """Return an entry of ``url:``."""
    return {"pattern": pattern, "handler": handler, "kwargs": kwargs}


def function(pattern: str, name: str, **kwargs: Any) -> dict[str, Any]:
    """Return an entry of ``url:`` for a function of the app."""
    return entry(pattern, "FunctionHandler", function=f"fuzz_app.{name}", **kwargs)


def urls(backend: int) -> dict[str, Any]:
    """Return the section ``url:``; `backend` is the port of the server that is proxied."""
    back = f"http://127.0.0.1:{backend}"
    return {
        "alive": entry("/alive", "FunctionHandler", function="'alive'"),
        "files": entry("/files/(.*)", "FileHandler", path="public", index=True),
        "listed": entry("/list", "FileHandler", path=["public/a.txt", "public/b.html"]),
        "map": entry("/map/(.*)", "FileHandler", path={"a/(.*)": "public/{0}", "named": "public/{name}"}),
        "star": entry("/star/(.*)", "FileHandler", path="public/*.html"),
        "templates": entry("/templates/(.*)", "FileHandler", path="templates", template="*.html"),
        "transform": entry(
            "/transform/(.*)",
            "FileHandler",
            path="public",
            transform={"*.txt": {"function": "fuzz_app.change(content, handler)"}},
        ),
        "strict": entry("/strict/(.*)", "FileHandler", path="public", ignore=["*"], allow=["*.html"], index=True),
        "private": entry("/private/(.*)", "FileHandler", path="public", auth={"membership": {"role": "admin"}}),
        "echo": function("/echo/?(.*)", "echo", headers={"Content-Type": "application/json", "X-Fuzz": "1"}),
        "open": function("/open", "echo", xsrf_cookies=False, methods=["GET", "POST", "PUT"], cors=True),
        "typed": function("/typed/(.*)", "typed", xsrf_cookies=False),
        "named": function("/named/(?P<x>[^/]*)", "typed"),
        "later": function("/later", "later"),
        "parts": function("/parts", "parts"),
        "fails": function("/fails", "fails"),
        "remember": function("/remember", "remember"),
        "cached": function("/cached", "later", cache=True),
        "limited": function("/limited", "later", ratelimit={"keys": ["hourly", "user"], "limit": 50}),
        "valid": function("/valid", "later", validate={"function": "fuzz_app.valid(handler)", "code": 422}),
        "own": entry("/own/(.*)/(.*)", "fuzz_app.Own", xsrf_cookies=False),
        "socket": entry("/socket", "WebSocketHandler", on_message={"function": "fuzz_app.heard"}),
        "upload": entry("/upload", "UploadHandler", path="$GRAMEXDATA/up", methods="get", xsrf_cookies=False),
        "proxy": entry("/proxy/(.*)", "ProxyHandler", url=f"{back}/{{0}}", request_headers={"*": True}),
        "down": entry("/down/(.*)", "ProxyHandler", url="http://127.0.0.1:9/{0}"),
        "rows": entry("/rows", "FormHandler", url="rows.csv", id="x", xsrf_cookies=False),
        "table": entry(
            "/table/?(.*)",
            "FormHandler",
            url="sqlite:///fuzz.db",
            table="things",
            id="x",
            columns={"x": {"type": "INTEGER", "primary_key": True}, "words": "TEXT", "user": "REAL", "y": "DATE"},
            xsrf_cookies=False,
        ),
        "query": entry("/query", "FormHandler", url="sqlite:///fuzz.db", query="select 1 as x, :x as y, '{x}' as z"),
        "redirect": entry("/redirect/(.*)", "RedirectHandler", url="/files/{0}"),
        "login": entry(
            "/login/", "SimpleAuth", credentials={"alpha": "beta"}, xsrf_cookies=False, redirect={"query": "next"}
        ),
        "logout": entry("/logout", "LogoutHandler", redirect={"query": "next", "header": "Referer"}),
        "chart": entry("/chart", "ChartHandler"),
        "guide": entry("/guide/(.*)", "GuideHandler"),
    }


def write(folder: Path, backend: int) -> None:
    """Write the app into an empty folder, and secrets in it and beside it."""
    app = folder / "app"
    secret = "".join(f"{CANARY}{number:04} " for number in range(200))
    conf = {
        "variables": {"SECRET": f"{CANARY}variable"},
        "app": {
            "watch": False,
            "listen": {"max_header_size": 16384, "max_body_size": 1_000_000, "max_buffer_size": 1_000_000},
            "settings": {"serve_traceback": False},
        },
        "url": urls(backend),
    }
    files = {
        "gramex.yaml": f"# {secret}\n{yaml.safe_dump(conf, sort_keys=False)}",
        ".secrets.yaml": f"KEY: '{secret}'\n",
        "fuzz_app.py": CODE,
        "rows.csv": "x,words,user\n1,a,1.5\n2,b,\n",
        "public/a.txt": "text of a\n" * 30,
        "public/b.html": "<p>b</p>",
        "public/sub/c.html": "<p>c</p>",
        "public/sp ace.txt": "space",
        "public/gr\u00fc\u00df.txt": "unicode",
        "public/.hidden": secret,
        "public/.hidden.html": secret,
        "public/gramex-more.yaml": secret,
        "public/code.py": secret,
        "public/.git/config": secret,
        "templates/t.html": "{{ handler.get_argument('x', '') }}{% for i in range(3) %}{{ i }}{% end %}",
        "templates/form.html": "{{ handler.xsrf_token }}{{ handler.request.uri }}",
    }
    for name, content in files.items():
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (folder / "secret.txt").write_text(secret)
    (folder / "app-other").mkdir()
    (folder / "app-other" / "a.txt").write_text(secret)
    (app / "public" / "out.txt").symlink_to(folder / "secret.txt")
    (app / "public" / "out").symlink_to(folder / "app-other")
