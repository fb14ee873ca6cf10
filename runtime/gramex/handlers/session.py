"""The visitor's session: found by its cookie when first asked for, stored before the answer that tells of it."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, create_signed_value, decode_signed_value

from gramex.config.view import view
from gramex.handlers.sessionexpiry import end_idle
from gramex.handlers.sessionwait import UNREAD, SessionWait
from gramex.services.session.settings import DAY, SessionSettings
from gramex.services.session.store import Record, encode, user_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gramex.handlers.application import Application
    from gramex.services.session import SessionStore

app_log = logging.getLogger("gramex")

VERIFIED = 10_000  # cookies whose signature is remembered, about 300 bytes each
OLDEST = 36500  # days; a session's own end is what counts


class SessionCookie:
    """Reads and makes the cookie that carries a session's id, signed."""

    def __init__(self, settings: SessionSettings, secret: str | bytes):
        """Take the settings of ``app.session`` and the key that signs."""
        self.settings = settings
        self.is_far = settings.is_far
        self.secret = secret
        self.mark = f"{settings.cookie}="
        self._verified: dict[str, str] = {}

    def ids(self, header: str) -> Iterator[str]:
        """Return the ids in a Cookie header that carry our signature; there can be several from several paths."""
        for part in header.split(";"):
            name, _, value = part.partition("=")
            if name.strip() == self.settings.cookie:
                value = value.strip().strip('"')
                id = self._verified.get(value) or self._verify(value)
                if id:
                    yield id

    def _verify(self, value: str) -> str | None:
        found = decode_signed_value(self.secret, self.settings.cookie, value, max_age_days=OLDEST)
        if not found:
            return None
        if len(self._verified) >= VERIFIED:
            self._verified.clear()
        self._verified[value] = found.decode("ascii", "replace")
        return self._verified[value]

    def sign(self, id: str) -> bytes:
        """Return the cookie's value for a session id."""
        return create_signed_value(self.secret, self.settings.cookie, id)


class Session(dict[str, Any]):
    """What a visitor's session holds, as this request sees it. ``session['id']`` is its id.

    Values are what JSON can hold. Other requests see changes once this one has answered.
    """


class SessionMixin(SessionWait):
    """Adds `session` and `current_user` to a handler."""

    application: Application
    request: HTTPServerRequest
    session_cookie_days: float | None = None  # set at a log in that has its own expiry
    auth_rule: Any = None  # the rule of `auth`, None if everybody may come

    ends_idle: ClassVar[bool] = False  # some log in of this process ends when its user is away

    _session: Session | None = None
    _record: Record | None = UNREAD
    _session_id = ""
    _new_id = False
    _set_user: Any = UNREAD

    if TYPE_CHECKING:
        _headers_written: bool
        gramex_root: str
        name: str

        def set_cookie(self, name: str, value: str | bytes, **kwargs: Any) -> None: ...

    @property
    def session(self) -> Session:
        """The visitor's session. Asking makes one, if the cookie of the request has none."""
        if self._session is None:
            record = self._find_session()
            if record is None:
                self._session_id = secrets.token_urlsafe(24)
                self._session = Session()
            else:
                self._session = Session(record.copy())
            self._session["id"] = self._session_id
        return self._session

    def has_session(self) -> bool:
        """True if there is a session; none is made."""
        return self._session is not None or self._find_session() is not None

    def _find_session(self) -> Record | None:
        if self._unreadable is not None:
            raise self._unreadable
        if self._record is UNREAD:
            self._record = None
            for id in self._sent_ids():
                self._record = self._store.fetch(id)
                if self._record is not None:
                    self._session_id = id
                    break
        return self._record

    def _sent_ids(self) -> Iterator[str]:
        headers, cookie = self.request.headers, self.application.session_cookie
        if "Cookie" in headers and cookie.mark in headers["Cookie"]:
            yield from cookie.ids(headers["Cookie"])

    @property
    def _store(self) -> SessionStore:
        return self.application.services.sessions

    # The user.

    def get_current_user(self) -> Any:
        """Return the user of the session, None if nobody is logged in. Makes no session."""
        return self.session.get("user") if self.peek_session("user") is not None else None

    @property
    def current_user(self) -> Any:
        """The user that is logged in, None if nobody is. Setting it counts for this request alone: see `log_in`."""
        if self._set_user is not UNREAD:
            return self._set_user
        if type(self).get_current_user is SessionMixin.get_current_user:
            return self.get_current_user()
        self._set_user = self.get_current_user()  # the app's own: it may be expensive
        return self._set_user

    @current_user.setter
    def current_user(self, user: Any) -> None:
        self._set_user = user

    def peek_user(self) -> Any:
        """Return the user that is logged in, shared by all requests: for reading only, and cheaper."""
        if self._set_user is not UNREAD or type(self).get_current_user is not SessionMixin.get_current_user:
            return self.current_user
        return self.peek_session("user")

    def peek_session(self, key: str) -> Any:
        """Return what the session has under a key, shared by all requests: for reading only. Makes no session."""
        if self._session is not None:
            return self._session.get(key)
        record = self._find_session()
        return None if record is None else record.data.get(key)

    def log_in(self, user: Any, key: str = "user", days: float | None = None) -> None:
        """Make `user` the session's user, under a new session id. It is stored with the answer, or `save_session`."""
        self.session[key] = view(user)
        self._new_id = True
        self._set_user = UNREAD
        self.session_cookie_days = days

    def log_out(self, key: str = "user") -> None:
        """Make the session nobody's. Makes no session."""
        if self.peek_session(key) is not None:
            del self.session[key]
        self._set_user = UNREAD

    # Storing.

    def is_unsaved(self) -> bool:
        """True if this request made or changed the session, which is not stored yet."""
        if self._session is None:
            return False
        if self._record is UNREAD or self._record is None or self._new_id:
            return True
        return {key: value for key, value in self._session.items() if key != "id"} != self._record.data

    def save_session(self) -> None:
        """Store what this request changed in the session. Other processes see it when this returns.

        Raises:
            Exception: it could not be stored.
        """
        for step in self._saving():
            step()

    def _saving(self) -> Iterator[Callable[[], Any]]:
        """Return what the store has to do, one after another; in between the handler is brought up to date."""
        if self._session is None:
            return
        data = {key: value for key, value in self._session.items() if key != "id"}
        record = self._record if self._record is not UNREAD else None
        old: Mapping[str, Any] = {} if record is None else record.data
        if record is not None and not self._new_id and data == old:
            return
        _drop_unkept(data, old, self.name)
        user = user_of(data)
        expires = time.time() + self._cookie_days() * DAY
        if record is None or self._new_id or (user is not None and user != user_of(old)):
            if self._headers_written:  # no cookie can be sent any more
                if data:
                    app_log.error("url:%s: the session is lost: it was made after the answer had begun", self.name)
                self._session = None
                return
            id = self._session_id
            if record is not None:
                id = secrets.token_urlsafe(24)
                yield partial(self._store.move, self._session_id, id, data, expires)
            else:
                yield partial(self._store.save, id, data, expires)
            self._session_id = self._session["id"] = id
            self._send_cookie(id)
        else:
            expires = record.expires
            changed = {key: value for key, value in data.items() if key not in old or old[key] != value}
            # False: it was ended meanwhile, by a log in elsewhere say; then nothing is to be kept.
            yield partial(self._store.change, self._session_id, changed, old.keys() - data.keys())
        self._new_id = False
        self._record = Record(encode(data), expires, None)

    def _cookie_days(self) -> float:
        return self.session_cookie_days or self.application.session_cookie.settings.days

    def _send_cookie(self, id: str) -> None:
        cookie = self.application.session_cookie
        settings = cookie.settings
        persistent = settings.persistent or self.session_cookie_days is not None
        flags: dict[str, Any] = {"httponly": settings.httponly, "secure": self.is_secure(settings.secure)}
        if settings.samesite:
            flags["samesite"] = settings.samesite
        self.set_cookie(
            settings.cookie,
            cookie.sign(id),
            domain=settings.domain,
            path=settings.path or self.cookie_path(),
            expires_days=self._cookie_days() if persistent else None,
            **flags,
        )

    def is_secure(self, configured: bool | None = None) -> bool:
        """True if cookies must only travel by HTTPS: as configured, else as the request came."""
        return self.request.protocol == "https" if configured is None else configured

    def cookie_path(self) -> str:
        """Return the path of cookies: where a proxy shows the app, so that apps on one site keep theirs apart."""
        return f"{self.gramex_root}/"


def _drop_unkept(data: dict[str, Any], old: Mapping[str, Any], name: str) -> None:
    """Take values out of `data` that cannot be stored, and say so; the old ones stay."""
    try:
        encode(data)
        return
    except (TypeError, ValueError, RecursionError):
        pass
    for key in list(data):
        try:
            encode({key: data[key]})
        except (TypeError, ValueError, RecursionError) as error:
            app_log.error("url:%s: session[%r]: %s", name, key, error)
            if key in old:
                data[key] = old[key]
            else:
                del data[key]


def begin_session(handler: Any) -> Awaitable[None] | None:
    """Read a session that is far away, and see to `take_user_header`. A step of every handler."""
    if handler.application.session_cookie.is_far and handler.is_session_far() and handler.may_use_session():
        return _begin_far_session(handler)
    if SessionMixin.ends_idle and not handler.is_session_far():
        end_idle(handler)
    take_user_header(handler)
    return None


async def _begin_far_session(handler: Any) -> None:
    await handler.load_session()
    if SessionMixin.ends_idle:
        end_idle(handler)
    take_user_header(handler)


def take_user_header(handler: Any) -> None:
    """Log in the user that the header ``X-Gramex-User`` names, if our own key signed it.

    Raises:
        HTTPError: 400; the signature is not ours, or older than a month.
    """
    headers = handler.request.headers
    if "X-Gramex-User" not in headers:  # faster than get(), and nearly always so
        return
    secret = str(handler.application.session_cookie.secret)
    signed = decode_signed_value(secret, "user", headers["X-Gramex-User"]) if not is_guessable(secret) else None
    try:
        user = Record((signed or b"").decode(), 0, None).data
    except ValueError:
        user = None
    if not user or not isinstance(user, Mapping):
        raise HTTPError(400, "X-Gramex-User: not signed with this app's key")
    if handler.peek_session("user") != user:
        handler.log_in(user)


def is_guessable(secret: str) -> bool:
    """True if others may know the key: those that Gramex publishes or derives from the host name, or a short one."""
    return len(secret) < 16 or secret.startswith("gramex-")
