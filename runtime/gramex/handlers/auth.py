"""Who may see an entry: the ``auth:`` key."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tornado.web import HTTPError

from gramex.handlers.current import current_handler
from gramex.handlers.methods import parse_methods
from gramex.handlers.redirect import HERE, encoded_url
from gramex.handlers.sessionwait import hold

KEYS = ("login_url", "query", "methods", "membership", "condition", "template")
LOGIN_URL = "/login/"


def setup_auth(cls: Any, auth: Any, default: Any = None) -> None:
    """Add the step "auth" to an entry; `auth` is its own key, `default` what ``app.auth`` says.

    Raises:
        ValueError: the key cannot be meant. The entry must not be served then.
    """
    rule = default if auth is None else auth
    cls.auth_rule = None
    if rule is not None and rule is not False:
        cls.auth_rule = Auth(rule, cls.loaded.folder)
        cls.add_step("auth", cls.auth_rule)


class Auth:
    """The rule of one entry. Called with a handler before it answers."""

    def __init__(self, rule: Any, folder: Path):
        """Take what is below ``auth:``; `folder` is where relative paths begin."""
        if rule is True:
            rule = {}
        if not isinstance(rule, Mapping):
            raise ValueError(f"auth: must be true, false or a mapping such as {{membership: ...}}, not {rule!r}")
        for key in rule:
            if key not in KEYS:
                raise ValueError(f"auth: {key} is not known; use {', '.join(KEYS)}")
        self.login_url = rule.get("login_url")
        if not isinstance(self.login_url, (str, bool, type(None))):
            raise ValueError(f"auth.login_url: must be a URL, or false for 401, not {self.login_url!r}")
        if isinstance(self.login_url, str):
            head, mark, query = encoded_url(self.login_url).partition("?")
            self.login_url = HERE.sub("/", head) + mark + query  # /$YAMLURL/x is /./x in the start folder
        self.query = str(rule.get("query") or "next")
        self.methods = parse_methods(rule.get("methods"))
        self.memberships = parse_membership(rule.get("membership"))
        self.condition = parse_condition(rule.get("condition"))
        template = rule.get("template")
        self.template = folder / str(template) if template else None
        if self.template and not self.template.is_file():
            raise ValueError(f"auth.template: there is no file {template}")

    def __call__(self, handler: Any) -> Awaitable[None] | None:
        """Let the request pass, send the visitor to the log-in page, or refuse.

        Raises:
            HTTPError: 401, nobody is logged in; 403, who is may not see it.
        """
        if self.methods is not None and handler.request.method not in self.methods:
            return None
        if not handler.peek_user():
            self._ask_to_log_in(handler)
            return None
        handler.is_private = True
        allowed = self.allows(handler)
        if isinstance(allowed, bool):
            if not allowed:
                self._refuse(handler)
            return None
        return self._wait(handler, allowed)

    def allows(self, handler: Any) -> bool | Awaitable[bool]:
        """True if somebody is logged in who may see the entry. Awaitable where the condition is."""
        user = handler.peek_user()
        if not user or (self.memberships and not any(matches(user, each) for each in self.memberships)):
            return False
        if self.condition is None:
            return True
        current_handler.set(handler)
        allowed = self.condition(handler)
        return allowed if inspect.isawaitable(allowed) else bool(allowed)

    async def _wait(self, handler: Any, allowed: Awaitable[bool]) -> None:
        if not await allowed:
            self._refuse(handler)

    def _is_here(self, handler: Any, url: str) -> bool:
        """True if the log-in page is the page itself: sending people there would go round in circles."""
        return urlsplit(url).path == urlsplit("/" + handler.outer_uri.lstrip("/")).path

    def _ask_to_log_in(self, handler: Any) -> None:
        request = handler.request
        headers = request.headers
        if (
            self.login_url is False
            or request.method not in ("GET", "HEAD")
            or headers.get("X-Requested-With", "").lower() == "xmlhttprequest"
            or headers.get("Sec-Fetch-Mode") == "cors"  # fetch() of a page: it has no use for a form
            or headers.get("Upgrade", "").lower() == "websocket"
        ):
            raise HTTPError(401, "url:%s needs a log in", handler.name)
        url = self.login_url
        if not isinstance(url, str):
            url = handler.outer_path(str(handler.settings.get("login_url") or LOGIN_URL))
        if self._is_here(handler, url):
            raise HTTPError(401, "url:%s is the log-in page, and needs a log in: set auth: false", handler.name)
        here = f"{request.protocol}://{request.host}/{handler.outer_uri.lstrip('/')}"
        url, mark, fragment = url.partition("#")
        separator = "&" if "?" in url else "?"
        handler.redirect(f"{url}{separator}{urlencode({self.query: here})}{mark}{fragment}")

    def _refuse(self, handler: Any) -> None:
        if handler._finished:  # the condition answered by itself
            return
        if self.template is None:
            raise HTTPError(403, "url:%s is not for this user", handler.name)
        handler.set_status(403)
        handler.finish(render_file(handler, self.template))


def render_file(handler: Any, path: Path, **names: Any) -> bytes:
    """Return a file rendered as a template for a handler, with `names` beside the usual ones.

    Raises:
        OSError: it cannot be read.
        Exception: what the template raises.
    """
    from gramex.handlers.templates import get_template

    template = get_template(path.read_bytes(), str(path), str(path.parent), handler.settings)
    return template.generate(**{**handler.get_template_namespace(), **names})


def ensure_single_session(handler: Any) -> Awaitable[int] | None:
    """Log the handler's user out of all other sessions: for ``action:`` of a log-in page. Need not be awaited."""
    key = getattr(handler, "user_key", "user")
    user = handler.session.get(key)
    id = user.get("id") if isinstance(user, Mapping) else user
    if id is None:
        return None
    store = handler.application.services.sessions
    if store.threads is not None:
        return hold(asyncio.ensure_future(store.ask(partial(store.drop_user, id, keep=handler.session["id"], key=key))))
    store.drop_user(id, keep=handler.session["id"], key=key)
    return None


def parse_membership(membership: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of which one must match, none if anybody may pass.

    Raises:
        ValueError: it is neither a mapping nor a list of them, or says nothing: that would let everybody in.
    """
    if membership is None:
        return []
    found = list(membership) if isinstance(membership, (list, tuple)) else [membership]
    if not found or not all(isinstance(each, Mapping) and each for each in found):
        raise ValueError(f"auth.membership: must be a mapping such as {{role: admin}}, or a list, not {membership!r}")
    return found


def parse_condition(condition: Any) -> Callable[[Any], Any] | None:
    """Return the function of ``auth.condition:``.

    Raises:
        ValueError: it is no function.
    """
    if condition is None:
        return None
    from gramex.handlers.expression import compile_function

    return compile_function(condition, ("handler",), "function" if isinstance(condition, Mapping) else "condition")


def matches(user: Any, membership: Mapping[str, Any]) -> bool:
    """True if, for each dotted path, the user has one of the wanted values."""
    return all(values(user, str(path)) & as_texts(wanted) for path, wanted in membership.items())


def values(user: Any, path: str) -> set[str]:
    """Return what a user has at a dotted path, as text; lists are looked into."""
    found: list[Any] = [user]
    if isinstance(user, Mapping) and path in user:
        return as_texts(user[path])
    for name in path.split("."):
        found = [each[name] for each in flat(found) if isinstance(each, Mapping) and name in each]
    return as_texts(found)


def flat(items: Iterable[Any]) -> Iterable[Any]:
    """Return the items of nested lists."""
    for item in items:
        if isinstance(item, (list, tuple, set, frozenset)):
            yield from flat(item)
        else:
            yield item


def as_texts(value: Any) -> set[str]:
    """Return a value, or those of a list, as text; nothing and mappings are no values."""
    return {str(each) for each in flat([value]) if each is not None and not isinstance(each, Mapping)}
