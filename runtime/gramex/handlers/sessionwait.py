"""Lets one request wait for its session while others go on, where the store is far away (Redis).

Such a session is read before the handler's method, and stored before the answer is sent. Sessions in files and in
memory are read when asked for: that is faster than to wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from asyncio import Future

    from tornado.httputil import HTTPServerRequest

    from gramex.handlers.application import Application
    from gramex.services.session import Record, SessionStore

app_log = logging.getLogger("gramex")

UNREAD: Any = object()
IDLE_STEPS = frozenset(["override", "xsrf", "user"])  # that do not look at the session by themselves

under_way: set[asyncio.Future[Any]] = set()  # a task that nobody holds may vanish


def hold(task: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Keep a task until it is done, and return it."""
    under_way.add(task)
    task.add_done_callback(_let_go)
    return task


def _let_go(task: asyncio.Future[Any]) -> None:
    under_way.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, StreamClosedError):  # who has left needs no answer
        app_log.error("%s: %s", type(error).__name__, error, exc_info=error)


class SessionWait:
    """The part of a handler that waits for its session."""

    uses_session: ClassVar[bool] = True  # False on a class whose methods read none, or call load_session themselves

    application: Application
    request: HTTPServerRequest
    name: str
    _record: Record | None
    _session: Any
    _session_id: str
    _unreadable: Exception | None = None  # why the session could not be read; told to whoever asks for it
    _was_stored = False  # or tried to be, for the answer that is about to be sent
    _flushing: Future[None] | None = None

    if TYPE_CHECKING:
        _headers_written: bool
        _finished: bool

        @property
        def _store(self) -> SessionStore: ...

        _sent_ids: Callable[[], Iterator[str]]
        _saving: Callable[[], Iterator[Callable[[], Any]]]
        is_unsaved: Callable[[], bool]
        save_session: Callable[[], None]
        write: Callable[[Any], None]

    @property
    def _is_far(self) -> bool:
        return self.application.session_cookie.is_far

    def is_session_far(self) -> bool:
        """True if the request has a session, perhaps, and reading it may take time."""
        return self._is_far and self._record is UNREAD and next(self._sent_ids(), None) is not None

    @classmethod
    def may_use_session(cls) -> bool:
        """True unless it is known that the entry looks at no session of its own accord."""
        handler: Any = cls.__mro__[1]  # for each entry a class is made; apps derive theirs from ours
        return (
            handler.__dict__.get("uses_session", True)
            or not IDLE_STEPS.issuperset(getattr(cls, "named_steps", ()))
            or bool(getattr(cls, "error_pages", None))
        )

    async def load_session(self) -> None:
        """Read the session if it is far away, so that asking for it does not hold up others."""
        if not self.is_session_far():
            return
        found = None
        try:
            for id in self._sent_ids():
                found = await self._store.ask(self._store.fetch, id)
                if found is not None:
                    self._session_id = id
                    break
        except Exception as error:
            self._unreadable = error
        self._record = found

    def give_up_session(self) -> None:
        """Wait no more for the session to be read."""
        if self._record is UNREAD:
            self._record = None

    async def store_session(self) -> None:
        """As `save_session`; others go on meanwhile.

        Raises:
            Exception: it could not be stored.
        """
        for step in self._saving():
            await self._store.ask(step)

    async def renew_session(self) -> None:
        """Store changes, and read the session anew: for handlers that outlive their request."""
        await self._store_or_log()
        self._session, self._record, self._unreadable = None, UNREAD, None
        await self.load_session()

    def finish(self, chunk: Any = None) -> Future[None]:
        """End the answer, after the session that it tells of was stored."""
        if self._session is not None and not self._headers_written and self._is_far and self._is_waiting():
            if chunk is not None:
                self.write(chunk)
            self._finished = True  # for all that others can see
            return hold(asyncio.ensure_future(self._finish_later()))
        return super().finish(chunk)  # type: ignore[misc]

    async def _finish_later(self) -> None:
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        else:
            await self._store_or_log()
            self._was_stored = True
        self._finished = False
        await super().finish()  # type: ignore[misc]

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written, after the session that it tells of was stored."""
        if self._session is not None and not self._headers_written:
            if not self._is_far:
                self._save_or_log()
            elif self._is_waiting():
                if self._flushing is None:
                    self._flushing = hold(asyncio.ensure_future(self._flush_later(include_footers)))
                return self._flushing
        return super().flush(include_footers)  # type: ignore[misc]

    async def _flush_later(self, include_footers: bool) -> None:
        await self._store_or_log()
        self._flushing, self._was_stored = None, True
        await super().flush(include_footers)  # type: ignore[misc]

    def on_finish(self) -> None:
        """Store what changed while the answer was sent."""
        if self._session is not None:
            if not self._is_far:
                self._save_or_log()
            elif self.is_unsaved():
                self._store_at_last()
        super().on_finish()  # type: ignore[misc]

    def _store_at_last(self) -> None:
        """Leave what nobody waits for to the store's threads, which outlive the event loop."""
        threads = self._store.threads
        assert threads is not None  # noqa: S101  for mypy: the store is far away
        try:
            for step in self._saving():
                threads.submit(step).add_done_callback(self._tell_failure)
        except Exception as error:
            self._tell(error)

    def _tell_failure(self, done: Any) -> None:
        if done.exception() is not None:
            self._tell(done.exception())

    def _is_waiting(self) -> bool:
        return not self._was_stored and self.is_unsaved()

    async def _store_or_log(self) -> None:
        try:
            await self.store_session()
        except Exception as error:
            self._tell(error)
            self._session = None  # once is enough

    def _save_or_log(self) -> None:
        try:
            self.save_session()
        except Exception as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        # A full disk must not take down pages that only count visits. Log ins store by themselves, and fail.
        app_log.error("url:%s: the session cannot be stored: %s", self.name, error)
