"""The peers: bare Tornado handlers that do the same work, on Tornado's default loop, without a log."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
from pathlib import Path
from typing import Any

import tornado.web
import tornado.websocket

APP = Path(__file__).parent / "app"
sys.path.insert(0, str(APP))

import work  # noqa: E402  found by the line above

SESSIONS: dict[str, dict[str, Any]] = {}


class List(tornado.web.RequestHandler):
    """A template of 20 items."""

    def get(self) -> None:
        """Render it."""
        self.render("list.html")


class Rows(tornado.web.RequestHandler):
    """A JSON function."""

    def get(self) -> None:
        """Write 20 objects."""
        self.write(work.rows(self))


class Login(tornado.web.RequestHandler):
    """Makes a session."""

    def post(self) -> None:
        """Log in whoever asks."""
        sid = secrets.token_urlsafe(24)
        SESSIONS[sid] = {"user": {"id": self.get_argument("user")}}
        self.set_signed_cookie("sid", sid)


class Private(tornado.web.RequestHandler):
    """A page behind a log in: a signed cookie, and a dict of sessions."""

    def get_current_user(self) -> Any:
        """Find the user."""
        sid = self.get_signed_cookie("sid")
        return SESSIONS.get(sid.decode(), {}).get("user") if sid else None

    def get(self) -> None:
        """Greet the user."""
        if not self.current_user:
            raise tornado.web.HTTPError(401)
        self.write(work.greet(self))


class Socket(tornado.websocket.WebSocketHandler):
    """An echo."""

    def on_message(self, message: str | bytes) -> None:
        """Send it back."""
        self.write_message(message)


async def serve(port: int, files: str) -> None:
    """Listen until the process is ended."""
    application = tornado.web.Application(
        [
            ("/files/(.*)", tornado.web.StaticFileHandler, {"path": files}),
            ("/list", List),
            ("/rows", Rows),
            ("/login/", Login),
            ("/private", Private),
            ("/socket", Socket),
        ],
        cookie_secret=secrets.token_hex(),
        template_path=str(APP),
    )
    application.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.getLogger("tornado.access").disabled = True
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
