"""What all log-in pages share: the form, what happens to a user who comes in, and to one who does not."""

from __future__ import annotations

import inspect
import logging
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from tornado.web import HTTPError

from gramex.config.view import View
from gramex.handlers.auth import render_file
from gramex.handlers.base import BaseHandler
from gramex.handlers.lockout import Lockout, parse_delay
from gramex.handlers.session import SessionMixin
from gramex.handlers.sessionexpiry import Expiry, begin_idle, idle_seconds

app_log = logging.getLogger("gramex")

PAGE = Path(__file__).resolve().parent / "login.html"
REDIRECT = {"query": "next", "header": "Referer", "url": "/"}
MESSAGE = "Cannot log in"
LATER = {429: "Too many tries. Wait a minute", 503: "Cannot log in now. Try again later"}


class AuthHandler(BaseHandler):
    """Base of the handlers that log people in or out. Anybody may come here: ``auth:`` is ignored."""

    user_key: ClassVar[str] = "user"
    actions: ClassVar[list[Callable[..., Any]]] = []
    expiry: ClassVar[Expiry] = Expiry(None)
    inactive: ClassVar[float | None] = None  # seconds without a request that end the session

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``action``, ``user_key``, ``session_expiry``, ``session_inactive`` (days) and ``redirect``.

        Raises:
            ValueError: one that cannot be meant.
        """
        kwargs = {**kwargs, "auth": False, "redirect": kwargs.get("redirect", REDIRECT)}
        super().setup(**kwargs)
        key = kwargs.get("user_key", "user")
        if not isinstance(key, str) or key in ("", "id") or key.startswith("_"):
            raise ValueError(f"user_key: must be a name in the session such as user, not {key!r}")
        cls.user_key = key
        cls.actions = parse_actions(kwargs.get("action"))
        cls.expiry = Expiry(kwargs.get("session_expiry"))
        cls.inactive = idle_seconds(kwargs.get("session_inactive"))
        if cls.inactive is not None:
            SessionMixin.ends_idle = True

    def set_default_headers(self) -> None:
        """Set headers; nothing here may be kept by anybody."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    async def run_actions(self) -> None:
        """Run the entry's ``action:`` functions, one after another."""
        for action in self.actions:
            result = action(self)
            if inspect.isawaitable(result):
                await result


class LoginHandler(AuthHandler):
    """A page with a form for a user name and a password. Subclasses check them in `authenticate`."""

    lockout: ClassVar[Lockout]
    template: ClassVar[Path] = PAGE
    user_arg: ClassVar[str] = "user"
    password_arg: ClassVar[str] = "password"  # noqa: S105  the name of a field

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``template``, ``delay`` (seconds, one or a list), and the names of the fields ``user`` and ``password``.

        Raises:
            ValueError: one that cannot be meant.
        """
        super().setup(**kwargs)
        cls.lockout = Lockout(parse_delay(kwargs.get("delay")))
        cls.user_arg = parse_field(kwargs.get("user"), "user")
        cls.password_arg = parse_field(kwargs.get("password"), "password")
        # Templates name the fields by handler.kwargs.user.arg
        cls.kwargs = View(cls.kwargs, user=View(arg=cls.user_arg), password=View(arg=cls.password_arg))
        template = kwargs.get("template")
        if template is not None and template is not True:
            cls.template = cls.loaded.folder / str(template)
            if not cls.template.is_file():
                raise ValueError(f"template: there is no file {template}")

    async def authenticate(self, user: str, password: str) -> dict[str, Any] | None:
        """Return the user with that name and password, None if there is none.

        Raises:
            HTTPError: it cannot be found out now.
        """
        raise NotImplementedError

    def get(self, *args: Any, **kwargs: Any) -> None:
        """Show the form, and keep where to go afterwards."""
        self.save_redirect_page()
        self.show_form(200)

    head = get

    async def post(self, *args: Any, **kwargs: Any) -> None:
        """Log in, or say that it did not work."""
        name, password = self.field(self.user_arg), self.field(self.password_arg)
        counters, account = self.application.services.sessions.counters, account_of(name)
        try:
            await self.lockout.wait_turn(counters, account)
            user = await self.authenticate(name, password) if name else None
        except HTTPError as error:
            if error.status_code not in LATER:
                raise
            app_log.log(logging.WARNING if error.status_code < 500 else logging.ERROR, "url:%s: %s", self.name, error)
            self.set_header("Retry-After", "60")
            self.show_form(error.status_code, LATER[error.status_code])
            return
        if user is None:
            app_log.warning("url:%s: no log in from %s", self.name, self.request.remote_ip)
            await self.lockout.failed(counters, account)
            self.show_form(401)
            return
        await self.lockout.succeeded(counters, account)
        await self.enter(user)
        self.redirect_next()

    async def enter(self, user: dict[str, Any]) -> None:
        """Make somebody the session's user, under a new session id, and run the actions.

        Raises:
            Exception: an action failed, or the session cannot be stored: then nobody was logged in.
        """
        before = self.peek_session(self.user_key)
        self.log_in(user, self.user_key, self.expiry.of(self))
        begin_idle(self.session, self.inactive)
        try:
            await self.run_actions()
            await self.store_session()
        except BaseException:
            self.session[self.user_key] = before
            if before is None:
                del self.session[self.user_key]
            raise

    def field(self, name: str) -> str:
        """Return a field of the form, '' without one. Not of the URL, which would be in logs."""
        found = self.request.body_arguments.get(name)
        try:
            return found[-1].decode().strip("\r\n") if found else ""
        except UnicodeDecodeError:
            return ""

    def show_form(self, status: int, message: str = MESSAGE) -> None:
        """Answer with the form; `error` in the template is None or a mapping of `code` and `error`."""
        error = None if status < 400 else {"code": "auth", "error": message}
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(render_file(self, self.template, error=error))


def account_of(name: str) -> str:
    """Return what stands for a name where tries are counted: directories take other spellings for the same one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def parse_field(value: Any, default: str) -> str:
    """Return the name of a form's field for a key such as ``user: {arg: name}``.

    Raises:
        ValueError: it has no such shape.
    """
    if value is None:
        return default
    name = value.get("arg", default) if isinstance(value, Mapping) else value
    if not isinstance(name, str) or not name:
        raise ValueError(f"{default}: must be a mapping such as {{arg: {default}}}, not {value!r}")
    return name


def parse_actions(action: Any) -> list[Callable[..., Any]]:
    """Return the functions of ``action:``, one or a list.

    Raises:
        ValueError: one is no function.
    """
    if action is None:
        return []
    from gramex.handlers.expression import compile_function

    return [compile_function(each, ("handler",)) for each in (action if isinstance(action, list) else [action])]
