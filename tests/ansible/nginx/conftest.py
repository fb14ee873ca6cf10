"""A plan as the role nginx gets it, and its rendered files parsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gramex_nginx.config import Directive, parse
from gramex_nginx.render import Rendered, render

SETTINGS: dict[str, Any] = {
    "nginx_state": "present",
    "nginx_certificates": {},
    "nginx_selfsigned_days": 825,
    "nginx_hsts": 63072000,
    "nginx_acme_root": "/var/lib/gramex-acme",
    "nginx_http_port": 80,
    "nginx_https_port": 443,
    "nginx_wait": 30,
}
BOOKWORM = {"version": "1.22.1", "openssl": "3.0.17", "ipv6": True, "kept": {}, "http": {}}
TRIXIE = {"version": "1.26.3", "openssl": "3.5.1", "ipv6": True, "kept": {}, "http": {}}


def app(name: str, path: str = "/", **keys: Any) -> dict[str, Any]:
    """An app of the plan with what the role reads of it."""
    upstream = f"unix:/run/gramex/{name}.sock"
    base = {"name": name, "path": path, "root": path.rstrip("/"), "strip": True, "upstream": upstream}
    return {**base, "distribution": "gramex-runtime", "timeout": 300, "max_upload": "100m", "state": "present", **keys}


def site(domain: str, apps: list[str], **keys: Any) -> dict[str, Any]:
    """A site of the plan."""
    base = {"domain": domain, "names": [domain], "tls": "selfsigned", "redirect": [], "url": f"https://{domain}"}
    return {**base, "apps": apps, **keys}


def plan(apps: list[dict[str, Any]], sites: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    """A plan."""
    return {"apps": apps, "sites": sites, "settings": {**SETTINGS, **settings}}


@pytest.fixture
def local() -> dict[str, Any]:
    """The plan of `make deploy`: one app at /, one below a path, one that keeps its path and has a port."""
    apps = [app("site"), app("api", "/api/"), app("raw", "/raw/", strip=False, upstream="127.0.0.1:8001")]
    names = ["localhost", "127.0.0.1", "[::1]", "machine"]
    return plan(apps, [site("localhost", ["api", "raw", "site"], names=names, redirect=["www.example.com"])])


class Tree:
    """The directives of one rendered file, with ways to find them."""

    def __init__(self, directives: list[Directive]) -> None:
        self.directives = directives

    def all(self, name: str, first: str | None = None) -> list[Directive]:
        """Directives with this name (and first argument), in order, here and not below."""
        return [
            item for item in self.directives if item.name == name and (first is None or (item.args or [""])[0] == first)
        ]

    def block(self, name: str, first: str | None = None) -> Tree:
        """The only block with this name and first argument."""
        (found,) = self.all(name, first)
        return Tree(found.block or [])

    def value(self, name: str) -> list[str]:
        """Arguments of the only directive with this name."""
        (found,) = self.all(name)
        return found.args

    def servers(self, name: str = "", secure: bool | None = None) -> list[Tree]:
        """Server blocks with a server name, with or without TLS."""
        found = [Tree(item.block or []) for item in self.all("server")]
        found = [item for item in found if not name or name in item.value("server_name")]
        return [item for item in found if secure is None or secure == item.secure]

    @property
    def secure(self) -> bool:
        """Does the server listen with TLS?"""
        return any("ssl" in item.args for item in self.all("listen"))

    @property
    def listens(self) -> list[list[str]]:
        """Arguments of all listen directives."""
        return [item.args for item in self.all("listen")]


@pytest.fixture
def rendered() -> Callable[..., tuple[Rendered, dict[str, Tree]]]:
    """Return a function: plan (and host) to what is rendered, and its files parsed."""

    def make(wanted: dict[str, Any], host: dict[str, Any] = BOOKWORM) -> tuple[Rendered, dict[str, Tree]]:
        made = render(wanted, host)
        return made, {name: Tree(parse(text, name)) for name, text in made.files.items()}

    return make
