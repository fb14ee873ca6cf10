"""WebSocketHandler: functions of the app for a connection that stays open."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, ClassVar

from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler as TornadoWebSocketHandler

from gramex.handlers.base import BaseHandler
from gramex.handlers.current import current_handler
from gramex.handlers.origins import Check, parse_origins, split_origin
from gramex.handlers.xsrf import is_same_origin, matches_host

app_log = logging.getLogger("gramex")

PING = 60.0  # seconds; below the time after which proxies close a silent connection
VIOLATION, FAILED = 1008, 1011  # RFC 6455, 7.4.1
VARIABLES = {"open": ("handler",), "on_message": ("handler", "message"), "on_close": ("handler",)}

running: set[asyncio.Future[Any]] = set()  # on_close coroutines; a task that nobody holds may vanish


class WebSocketHandler(BaseHandler, TornadoWebSocketHandler):
    """Calls ``open:``, ``on_message:`` and ``on_close:``, plain functions or coroutines.

    Steps such as ``auth:`` run before the connection is upgraded; whether the user is still logged in is looked up
    again for each message.
    """

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}
    origins: ClassVar[list[Check]] = []

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Compile the functions, and take ``origins``.

        Raises:
            ValueError: a key cannot be meant.
        """
        from gramex.handlers.expression import compile_function

        super().setup(**kwargs)
        cls.functions = {
            name: compile_function(kwargs[name], variables, key="function" if isinstance(kwargs[name], dict) else name)
            for name, variables in VARIABLES.items()
            if kwargs.get(name) is not None
        }
        cls.origins = parse_origins(kwargs.get("origins"))

    @property
    def ping_interval(self) -> float | None:
        """Seconds between pings: they keep proxies from closing, and find clients that vanished."""
        return self.settings.get("websocket_ping_interval", PING)

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Upgrade the connection, and serve it until it is closed.

        Raises:
            HTTPError: 403, a page of another site asks.
        """
        if self.request.headers.get("Upgrade", "").lower() == "websocket" and not self.is_origin_allowed():
            raise HTTPError(403, "websocket: a page of %s asks", self.request.headers.get("Origin"))
        await self.store_session()  # now: the connection is another one afterwards
        await super().get(*args, **kwargs)

    def is_origin_allowed(self) -> bool:
        """True for our own pages, for those of ``origins:``, and for programs, which send no Origin."""
        origin = self.request.headers.get("Origin")
        if origin is None:
            return is_same_origin(self.request)
        if matches_host(origin, self.request):
            return True
        parts = split_origin(origin)
        return parts is not None and any(check(*parts) for check in self.origins)

    def check_origin(self, origin: str) -> bool:
        """Called by tornado; `get` has looked already."""
        return True

    async def open(self, *args: str, **kwargs: str) -> None:
        """The connection is open."""
        self.services.websockets.add(self)
        await self._run("open", self)

    async def on_message(self, message: str | bytes) -> None:
        """A message came. The next one waits until this is done."""
        if await self._may_stay():
            await self._run("on_message", self, message)

    async def on_pong(self, data: bytes) -> None:  # type: ignore[override]  # tornado takes both
        """The client is still there; is its user?"""
        await self._may_stay()

    def on_close(self) -> None:
        """The connection is closed."""
        self.services.websockets.discard(self)
        task = asyncio.ensure_future(self._run("on_close", self))
        running.add(task)
        task.add_done_callback(running.discard)

    def write_message(self, message: str | bytes | dict[str, Any], binary: bool = False) -> asyncio.Future[None]:
        """Send a message. Need not be awaited.

        Raises:
            WebSocketClosedError: the connection is closed.
        """
        future = super().write_message(message, binary)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # else Python complains
        return future

    async def _may_stay(self) -> bool:
        """True if the entry's ``auth:`` still lets the user in; else the connection is closed."""
        await self.renew_session()
        if self.auth_rule is None:
            return True
        allowed = self.auth_rule.allows(self)
        if inspect.isawaitable(allowed):
            allowed = await allowed
        if not allowed:
            self.close(VIOLATION, "log in again")
        return bool(allowed)

    async def _run(self, name: str, *values: Any) -> None:
        """Call one of the functions. A failure is logged, and closes the connection."""
        function = self.functions.get(name)
        if function is None:
            return
        current_handler.set(self)
        try:
            result = function(*values)
            if inspect.isawaitable(result):
                await result
        except Exception:
            app_log.exception("url:%s: %s failed", self.name, name)
            self.close(FAILED, "failed")
        finally:
            await self.renew_session()
