"""Forms of other sites: a request that changes something needs the token that only our own pages know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPServerRequest

from gramex.handlers.redirect import authority, split

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
COOKIE = "_xsrf"


def is_same_origin(request: HTTPServerRequest) -> bool:
    """True unless a browser says that a page of another origin sent this request.

    Programs send neither Sec-Fetch-Site nor Origin, and carry no cookies of a victim.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or matches_host(origin, request)


def matches_host(origin: str, request: HTTPServerRequest) -> bool:
    """True if `origin` is the one that a browser uses for this request's host.

    A page that came by HTTPS may be what a proxy shows that does not tell its scheme; the reverse is another origin.
    """
    parts = split(origin)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or (request.protocol == "https" and parts.scheme == "http")
    ):
        return False
    own = authority(parts.scheme, parts.netloc)
    return own is not None and own == authority(parts.scheme, request.host)


def needs_token(request: HTTPServerRequest) -> bool:
    """True if a request must carry the token: it changes something, and a page of another site could have sent it."""
    if request.method in SAFE:
        return False
    headers = request.headers
    # Other sites can send neither of these without being asked for permission first, which only `cors:` gives.
    if headers.get("X-Requested-With", "").lower() == "xmlhttprequest" or headers.get("Sec-Fetch-Mode") == "cors":
        return not is_same_origin(request)
    return True


class XSRFMixin:
    """Adds the check of the token, and sets its cookie with the flags that it should have."""

    request: HTTPServerRequest
    _check_xsrf = False  # tornado asks before the method is known: a header can still change it

    if TYPE_CHECKING:

        def is_secure(self, configured: bool | None = None) -> bool: ...
        def cookie_path(self) -> str: ...

    def check_xsrf_cookie(self) -> None:
        """Check the token of a request that needs one.

        Raises:
            HTTPError: 403; it is missing or wrong.
        """
        if self._check_xsrf and needs_token(self.request):
            super().check_xsrf_cookie()  # type: ignore[misc]

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Set a cookie; that of the token gets the flags of the session's."""
        if name == COOKIE:
            kwargs.setdefault("samesite", "Lax")
            kwargs.setdefault("secure", self.is_secure())
            kwargs.setdefault("httponly", True)
            kwargs.setdefault("path", self.cookie_path())
        super().set_cookie(name, value, *args, **kwargs)  # type: ignore[misc]


def check_token(handler: Any) -> None:
    """Check the token, now that the method is known. What `cors:` lets pass needs none."""
    if handler.cors_allowed:
        return
    handler._check_xsrf = True
    handler.check_xsrf_cookie()


def set_token(handler: Any) -> None:
    """Set the token's cookie, for pages whose scripts send it."""
    if handler.request.method in SAFE:
        _ = handler.xsrf_token


def setup_xsrf(cls: Any, xsrf_cookies: Any, set_xsrf: Any, default: bool = True) -> None:
    """Take the entry's ``xsrf_cookies:`` and ``set_xsrf:``; `default` is what ``app.settings.xsrf_cookies`` says.

    Raises:
        ValueError: a value that is neither true nor false.
    """
    for key, value in (("xsrf_cookies", xsrf_cookies), ("set_xsrf", set_xsrf)):
        if value is not None and not isinstance(value, bool):
            raise ValueError(f"{key}: must be true or false, not {value!r}")
    if default if xsrf_cookies is None else xsrf_cookies:
        cls.add_step("xsrf", check_token)
    if set_xsrf:
        cls.add_step("xsrf", set_token)
