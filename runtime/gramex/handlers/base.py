"""What every handler does: set-up once per url entry, steps before each request, arguments, headers, error pages.

A feature that acts before the handler's method is a *step*: a callable that takes the handler, may return an awaitable,
raises HTTPError to refuse, and finishes the request to answer itself. Features add theirs in ``setup()`` by
``cls.add_step(NAME, callable)``, where NAME is in ORDER. The order of ORDER is the order of the steps.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from gramex.handlers.arguments import ArgumentMixin
from gramex.handlers.auth import setup_auth
from gramex.handlers.error import ErrorMixin, setup_errors
from gramex.handlers.headers import HeaderMixin, make_private, setup_headers
from gramex.handlers.lazy import lazy
from gramex.handlers.lean import LeanHandler
from gramex.handlers.methods import setup_methods
from gramex.handlers.redirect import RedirectMixin
from gramex.handlers.render import RenderMixin
from gramex.handlers.session import SessionMixin, begin_session
from gramex.handlers.xsrf import XSRFMixin, setup_xsrf

if TYPE_CHECKING:
    from asyncio import Future

    from gramex.config import Loaded
    from gramex.handlers.application import Application
    from gramex.services import Services

Step = Callable[[Any], Awaitable[None] | None]

# A missing token is 403 before a missing log in is 401, which comes before 405. "cors" comes first because a browser
# asks without cookies whether it may send a request with them.
ORDER = ("cors", "override", "xsrf", "user", "ratelimit", "auth", "methods", "validate", "cache")


def setup_rare(cls: Any, key: str, value: Any) -> None:
    """Set up a feature whose module most apps do not need."""
    module = importlib.import_module(f"gramex.handlers.{'caching' if key == 'cache' else key}")
    getattr(module, f"setup_{key}")(cls, value)


class BaseHandler(
    XSRFMixin, SessionMixin, RedirectMixin, RenderMixin, ArgumentMixin, HeaderMixin, ErrorMixin, LeanHandler
):
    """Base of all handlers of ``url:`` entries, and of those that apps write themselves.

    For each entry a subclass is made; on it `name` is the entry's name, `conf` the entry, `kwargs` its keyword
    arguments with the defaults of the ``handlers:`` section filled in.
    """

    name: str = ""
    conf: ClassVar[dict[str, Any]] = {}
    kwargs: ClassVar[dict[str, Any]] = {}
    given: ClassVar[dict[str, Any]] = {}  # kwargs as they were before set-up
    steps: ClassVar[tuple[Step, ...]] = ()
    named_steps: ClassVar[dict[str, list[Step]]] = {}
    loaded: ClassVar[Loaded]
    services: ClassVar[Services]
    application: Application
    is_private = False  # set by auth: the answer is for this user alone
    cors_allowed = False  # set by cors: a page of another site may send this request
    keep: Callable[[], None] | None = None  # set by cache: keeps the answer that is about to be sent

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Prepare the class for its url entry, once. Keys that are not common to all handlers are left alone.

        Raises:
            Exception: anything; the entry then answers 500, and the message is logged.
        """
        cls.named_steps = {}
        cls.steps = ()
        app = cls.loaded.conf.get("app") or {}
        settings = app.get("settings") or {}
        setup_errors(cls, kwargs.get("error"))
        setup_headers(cls, kwargs.get("headers"))
        setup_methods(cls, kwargs.get("methods"))
        setup_xsrf(cls, kwargs.get("xsrf_cookies"), kwargs.get("set_xsrf"), settings.get("xsrf_cookies", True))
        cls.add_step("user", begin_session)
        setup_auth(cls, kwargs.get("auth"), app.get("auth"))
        cls.setup_redirect(kwargs.get("redirect"))
        for key in ("cors", "ratelimit", "validate", "cache"):
            if kwargs.get(key) is not None:
                setup_rare(cls, key, kwargs[key])

    @classmethod
    def add_step(cls, name: str, step: Step) -> None:
        """Run `step` before each request, at the place of `name` in ORDER."""
        if name not in ORDER:
            raise ValueError(f"no step {name!r}; use one of {', '.join(ORDER)}")
        cls.named_steps.setdefault(name, []).append(step)
        cls.steps = tuple(step for each in ORDER for step in cls.named_steps.get(each, ()))

    def initialize(self, **kwargs: Any) -> None:
        """Called by tornado with the entry's kwargs; they are on the class already."""

    def prepare(self) -> Awaitable[None] | None:
        """Run the steps in order. Returns nothing unless a step has to be awaited."""
        self.__dict__.pop("args", None)  # the body is parsed only now
        steps = iter(self.steps)
        for step in steps:
            result = step(self)
            if result is not None and inspect.isawaitable(result):
                return self._finish_steps(result, steps)
            if self._finished:
                return None
        return None

    async def _finish_steps(self, pending: Awaitable[None], steps: Any) -> None:
        await pending
        for step in steps:
            if self._finished:
                return
            result = step(self)
            if result is not None and inspect.isawaitable(result):
                await result

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written. What only a user may see must not be kept by caches that others use."""
        if not self._headers_written:
            if self.is_private:
                make_private(self._headers)
            if self._headers.get("Content-Type", "").startswith("text/event-stream"):
                self._headers.setdefault("X-Accel-Buffering", "no")  # nginx would hold back events
        return super().flush(include_footers)

    def finish(self, chunk: Any = None) -> Future[None]:
        """End the answer."""
        if self.keep is not None and not self._headers_written:
            if chunk is not None:
                self.write(chunk)
                chunk = None
            keep, self.keep = self.keep, None
            keep()
        return super().finish(chunk)

    @lazy
    def gramex_root(self) -> str:
        """Where users find the app, from a trusted proxy: '' or a path without a final slash."""
        return self.request.headers.get("X-Gramex-Root", "").rstrip("/")

    @property
    def outer_uri(self) -> str:  # type: ignore[override]
        """The path and query as the user's browser sent them, from a trusted proxy; else those of the request."""
        return self.request.headers.get("X-Request-URI") or self.request.uri or "/"

    def shown_path(self) -> str:
        """Return the path as the user sees it, decoded."""
        return unquote(self.outer_uri.partition("?")[0])
