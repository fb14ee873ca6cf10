"""Where to send people after a log in, a log out or a form: only to this site, unless the entry allows others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from tornado.httputil import HTTPServerRequest

METHODS = ("query", "header", "url")
# What browsers drop or take for a slash, so that a URL is not what it looks like; and what cannot stand in a header.
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
HERE = re.compile(r"/(?:\./)+")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
RESERVED = "!#$%&'()*+,/:;=?@[]~"  # stays as it is in a URL
PORTS = {"http": 80, "https": 443}
UNENCODED = re.compile(r"[ \x80-\U0010ffff]+")


def encoded_url(url: str) -> str:
    """Return a URL of the configuration with its spaces and letters beyond ASCII percent-encoded."""
    return UNENCODED.sub(lambda part: quote(part[0], errors="replace"), url)


def parse_redirect(redirect: Any) -> tuple[list[tuple[str, str]], bool]:
    """Return ([(query|header|url, value)], external) for the key ``redirect:``.

    Raises:
        ValueError: what it cannot be.
    """
    if isinstance(redirect, str):
        return [("url", redirect)], False
    if not isinstance(redirect, Mapping):
        raise ValueError(f"redirect: must be a URL or a mapping such as {{query: next, url: /}}, not {redirect!r}")
    rules: list[tuple[str, str]] = []
    for key, value in redirect.items():
        if key == "external":
            continue
        if key not in METHODS:
            raise ValueError(f"redirect: {key} is not known; use {', '.join(METHODS)} or external")
        if not isinstance(value, str) or not value:
            raise ValueError(f"redirect.{key}: must be text, not {value!r}")
        rules.append((key, value))
    return rules, redirect.get("external") is True


def authority(scheme: str, netloc: str) -> tuple[str, str, int] | None:
    """Return (scheme, host, port) in one form for comparison, None if it is no address of a site."""
    scheme = scheme.lower()
    parts = split(f"//{netloc}")
    try:
        port = (parts and parts.port) or PORTS.get(scheme)
    except ValueError:
        return None
    if not port or not parts or not parts.hostname or parts.username is not None:
        return None
    return scheme, parts.hostname.rstrip("."), port


def split(url: str) -> SplitResult | None:
    """Return the parts of a URL, None if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def is_external(url: str, protocol: str, host: str) -> bool:
    """True if a browser that follows `url` might leave ``protocol://host``. `url` has no UNSAFE characters."""
    if not SCHEME.match(url) and not url.startswith("//"):
        return False
    parts = split(url if SCHEME.match(url) else f"{protocol}:{url}")
    if parts is None or (SCHEME.match(url) and not url[len(parts.scheme) :].startswith("://")):
        return True
    target = authority(parts.scheme, parts.netloc)
    return target is None or target != authority(protocol, host)


def safe_url(url: str | None, outer_uri: str, protocol: str, host: str, external: bool = False) -> str | None:
    """Return `url` as it can be sent in a Location header, None if it must not.

    What begins with a slash or a scheme stays as it is; what is relative is joined to the request's outer URI.
    """
    if not url or UNSAFE.search(url):
        return None
    if SCHEME.match(url) or url.startswith("//"):
        if external:
            parts = split(url)
            allowed = parts is not None and parts.scheme in ("", "http", "https") and bool(parts.netloc)
        else:
            allowed = not is_external(url, protocol, host)
    else:
        if not url.startswith("/"):
            # urljoin leaves dots in what has no host
            url = urljoin(f"http://host/{outer_uri.lstrip('/')}", url).removeprefix("http://host")
        allowed = url.startswith("/") and not url.startswith("//")
    return quote(url, safe=RESERVED, errors="replace") if allowed else None


class RedirectMixin:
    """Adds redirects by the entry's rules to a handler."""

    request: HTTPServerRequest
    redirect_rules: list[tuple[str, str]] = []  # noqa: RUF012  replaced, never changed
    redirect_external = False

    if TYPE_CHECKING:
        args: dict[str, list[str]]
        gramex_root: str
        outer_uri: str

    @classmethod
    def setup_redirect(cls, redirect: Any) -> None:
        """Take the entry's ``redirect:``.

        Raises:
            ValueError: what it cannot be.
        """
        if redirect is not None:
            cls.redirect_rules, cls.redirect_external = parse_redirect(redirect)

    def safe_url(self, url: str | None) -> str | None:
        """Return `url` if people may be sent there from this entry, else None."""
        return safe_url(url, self.outer_uri, self.request.protocol, self.request.host, self.redirect_external)

    def next_url(self) -> str | None:
        """Return where this request says to go by the entry's rules, None if no rule names a place that is allowed."""
        for rule, value in self.redirect_rules:
            url = self._candidate(rule, value)
            if url:
                return url
        return None

    def _candidate(self, rule: str, value: str) -> str | None:
        if rule == "query":
            given = self.args.get(value)
            return self.safe_url(given[-1]) if given else None
        if rule == "header":
            url = self.safe_url(self.request.headers.get(value))
            return None if url and self._is_here(url) else url
        return self.safe_url(self.outer_path(value))

    def _is_here(self, url: str) -> bool:
        # A form that is sent again has itself as Referer.
        return urlsplit(url).path == urlsplit("/" + self.outer_uri.lstrip("/")).path

    def outer_path(self, path: str) -> str:
        """Return a path of the app as users see it: below ``X-Gramex-Root``, if it is not yet."""
        root = self.gramex_root
        head, mark, query = encoded_url(path).partition("?")
        path = HERE.sub("/", head) + mark + query  # /$YAMLURL/x is /./x in the start folder
        if not root or not path.startswith("/") or path.startswith("//") or (path + "/").startswith(root + "/"):
            return path
        return root + path

    def save_redirect_page(self: Any) -> None:
        """Keep in the session where to go later; called by the page that people come to first."""
        for rule, value in self.redirect_rules:
            if rule == "url":
                break
            url = self._candidate(rule, value)
            if url:
                self.session["_next_url"] = url
                break

    def redirect_next(self: Any) -> None:
        """Send people on by the entry's rules: what the first page saved stands for its query and headers."""
        saved = self.safe_url(self.session.pop("_next_url", None)) if self.has_session() else None
        for rule, value in self.redirect_rules:
            url = self._candidate(rule, value)
            if rule != "url":
                url = (url or saved) if rule == "query" else (saved or url)
            if url:
                self.redirect(url)
                return
        self.redirect(self.outer_path("/"))
