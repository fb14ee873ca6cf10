"""The URL that a proxy asks, made of a template and a request; its site is always the one of the template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from tornado.web import HTTPError

from gramex.handlers.methods import ARGUMENT

SITE = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
PATH = "/!$&'()*+,;=:@~"  # what a group may bring into a path as it is
PORTS = {"http": 80, "https": 443}
OURS = ("_xsrf", ARGUMENT)  # arguments that no backend gets


class ProxyURL:
    """A template such as ``http://host/api/{0}``."""

    def __init__(self, url: Any, default: Any = None):
        """Take the template, and the arguments that are sent unless the request has them.

        Raises:
            ValueError: they cannot be meant, or a group would choose the site.
        """
        found = SITE.match(url) if isinstance(url, str) else None
        if not found or UNSAFE.search(url):
            raise ValueError(f"url: must be a URL such as http://127.0.0.1:8000/{{0}}, not {url!r}")
        if "{" in found[0] or "}" in found[0]:
            raise ValueError(f"url: {url!r}: the site must be fixed; write groups behind http://host/")
        try:
            urlsplit(found[0]).port  # noqa: B018  raises
            fields = [field for _, field, _, _ in Formatter().parse(url) if field is not None]
        except ValueError as error:
            raise ValueError(f"url: {url!r}: {error}") from None
        if not all(field.isdigit() or field.isidentifier() for field in fields):
            raise ValueError(f"url: {url!r}: use {{0}} for the first group, {{name}} for a named one")
        if default is not None and not isinstance(default, Mapping):
            raise ValueError(f"default: must be a mapping of arguments, not {default!r}")
        self.site = found[0]
        self.path, _, self.query = url[found.end() :].partition("#")[0].partition("?")
        self.default = {str(name): as_texts(value) for name, value in (default or {}).items()}

    def make(
        self, groups: Sequence[str | None], named: Mapping[str, str | None], given: str, handler: Any = None
    ) -> str:
        """Return the URL for a request's groups and its query; `handler` is for what ``default:`` takes of it.

        Raises:
            HTTPError: 400, a group climbs to a folder above; 500, the pattern has no such group, or `handler` nothing
                like it.
        """
        for group in (*groups, *named.values()):
            if group and not {".", ".."}.isdisjoint(re.split(r"[/\\]", group)):
                raise HTTPError(400, "proxy: %r leaves its folder", group)
        try:
            path, query = (
                part.format(
                    *[quote(group or "", safe) for group in groups],
                    **{name: quote(group or "", safe) for name, group in named.items()},
                )
                for part, safe in ((self.path, PATH), (self.query, ""))
            )
        except (IndexError, KeyError):
            raise HTTPError(500, "proxy: url: the pattern has no such group") from None
        arguments: dict[str, list[str]] = {}
        for source in (query, given):
            sent: dict[str, list[str]] = {}
            for name, value in parse_qsl(source, keep_blank_values=True, errors="surrogateescape"):
                sent.setdefault(name, []).append(value)
            arguments.update(sent)
        for name in OURS:
            arguments.pop(name, None)
        for name, values in self.default.items():
            if name not in arguments:
                arguments[name] = [filled(name, value, handler) for value in values]
        arguments = {name: arguments[name] for name in dict.fromkeys((*self.default, *arguments))}
        text = urlencode(arguments, doseq=True, errors="surrogateescape")
        path = re.sub(r"[^\x21-\x7e]+", lambda found: quote(found[0]), path if path.startswith("/") else f"/{path}")
        return f"{self.site}{path}{'?' if text else ''}{text}"


def as_texts(value: Any) -> list[str]:
    """Return an argument's values."""
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def filled(name: str, text: str, handler: Any) -> str:
    """Return a text of ``default:`` with what it takes from the handler, as in ``{handler.session[token]}``.

    Raises:
        HTTPError: 500, the handler has nothing like it.
    """
    if "{handler" not in text:
        return text
    try:
        return text.format(handler=handler)
    except Exception as error:
        raise HTTPError(500, "proxy: default: %s: %r: %s", name, text, error) from error


def follow(url: str, location: str) -> str | None:
    """Return where a redirect leads, None if that is another site: only the browser may go there.

    From http to https on the usual ports is no other site.
    """
    if UNSAFE.search(location):
        return None
    try:
        target = urljoin(url, location).partition("#")[0]
        old, new = urlsplit(url), urlsplit(target)
        places = [(each.hostname, each.port or PORTS.get(each.scheme)) for each in (old, new)]
    except ValueError:
        return None
    upgraded = (old.scheme, new.scheme) == ("http", "https") and places == [(old.hostname, 80), (old.hostname, 443)]
    if new.username is not None or not (upgraded or (old.scheme == new.scheme and places[0] == places[1])):
        return None
    # A relative redirect keeps the configured name and password; an absolute one must not lose them.
    return (
        target
        if new.netloc == old.netloc
        else target.replace(f"//{new.netloc}", f"//{kept(old.netloc, new.netloc)}", 1)
    )


def kept(old: str, new: str) -> str:
    """Return a new host and port with the name and password of the old one."""
    return f"{old.rpartition('@')[0]}@{new}" if "@" in old else new


def shown(url: str) -> str:
    """Return a URL without name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
