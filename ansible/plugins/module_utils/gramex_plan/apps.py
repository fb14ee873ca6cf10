"""Checks the list `gramex_apps`: each app by the schema, then the apps of one host against one another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gramex_plan.nearest import nearest
from gramex_plan.schema import Schema
from gramex_plan.values import Checker, Wrong, domain, kind, parsed

LIST = "gramex_apps"
EXAMPLE = "gramex_apps: [{name: site, source: ../../../examples/site}]"
# The role sets these for every app; the runtime's own view of the host would be wrong with other values.
RESERVED = {"GRAMEXDATA", "GRAMEX_INSTANCE", "PYTHONUNBUFFERED", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
RESERVED_PREFIX = "LISTEN_"
CHALLENGE = "/.well-known/acme-challenge/"


@dataclass(frozen=True)
class Host:
    """
    The host that a plan is for, as the inventory has it.

    `names` are all hosts and groups of the inventory; `others` are the hosts of the group proxy.
    """

    name: str
    groups: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    @property
    def windows(self) -> bool:
        """Whether apps run there as Windows services."""
        return "windows" in self.groups


@dataclass
class App:
    """One app: `values` has every key of the schema, `written` what the operator wrote, `at` its FILE:LINE."""

    values: dict[str, Any]
    written: Mapping[str, Any]
    label: str
    at: str
    checker: Checker

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def present(self) -> bool:
        """Whether it is to run, not to be removed."""
        return bool(self["state"] == "present")

    def line(self, key: str) -> str:
        """FILE:LINE of a key, of the app where the key is not written."""
        return next((self.checker.where(own) for own in self.written if own == key), "") or self.at

    def unsound(self, *keys: str) -> bool:
        """Whether a mistake in one of these keys, or an unknown key, was noted: what follows from them is a guess."""
        names = {self.label, *(f"{self.label}.{key}" for key in keys)}
        return any(problem.what in names for problem in self.checker.problems)

    def wrong(self, message: str, key: str = "", part: str = "", right: str = "") -> None:
        """Note a problem with a key (and a part of it, such as `.NAME`), or with the app."""
        what = f"{self.label}.{key}{part}" if key else self.label
        self.checker.add(message, what, self.line(key), right)


def check_apps(raw: Any, host: Host, schema: Schema, checker: Checker, nginx_tls: str = "selfsigned") -> list[App]:
    """Return this host's apps with every key filled; mistakes, also of other hosts' apps, are noted in `checker`."""
    origin = checker.where(raw)
    if isinstance(raw, str):
        raw = parsed(raw, list) or raw
    if not isinstance(raw, (list, tuple)):
        checker.add(f"must be a list of apps, not {kind(raw)}.", LIST, origin, EXAMPLE)
        return []
    apps = []
    for number, item in enumerate(raw):
        label, at = f"{LIST}[{number}]", checker.where(item) or origin
        if not isinstance(item, Mapping):
            checker.add(f"must be a mapping of keys to values, not {kind(item)}.", label, at, EXAMPLE)
            continue
        if isinstance(item.get("name"), str) and re.fullmatch(r"[\w.-]{1,40}", item["name"]):
            label += f" ({item['name']})"
        app = App(checker.mapping(schema.apps, item, label, at), item, label, at, checker)
        _check_app(app, host)
        names = set(app["hosts"])
        if not names or host.name in names or names & host.groups:
            apps.append(app)
    for app in apps:
        if app["apps"] and "health" not in app.written:
            app.values["health"] = app["apps"][0]["path"] if app["apps"][0] else "/"
        app.values["user"] = app["user"] or f"gramex-{app['name']}"
        app.values["domain"] = app["domain"] or _host_domain(host, app)
    _check_unique(apps, host)
    _check_redirects(apps)
    _resolve_tls(apps, nginx_tls)
    return apps


def _check_app(app: App, host: Host) -> None:
    """Check the keys of one app against each other."""
    if app["source"] and app["apps"]:
        app.wrong("`source` and `apps` exclude each other: one app, or several in one instance.")
    if not {"source", "apps"} & set(app.written) and app.present:
        app.wrong("`source` is missing.", right="source: ../../../examples/site")
    for name in app["hosts"]:
        if name and host.names and name not in host.names:
            near = nearest(name, host.names)
            meant = f" Did you mean `{near}`?" if near else ""
            app.wrong(f"there is no host or group `{name}` in the inventory.{meant}", "hosts")
    if app["name"] == "tls":
        app.wrong("`tls` is the folder of the certificates, /etc/gramex/tls.", "name", right="name: site")
    if app["user"] == "root":
        app.wrong("an app never runs as root.", "user", right="user: gramex-site")
    if app["path"].startswith(CHALLENGE):
        app.wrong(f"{CHALLENGE} is for certificates.", "path")
    for name in app["env"]:
        if name in RESERVED or name.startswith(RESERVED_PREFIX):
            app.wrong("is set by the role, for every app.", "env", f".{name}")
    for name, value in app["secrets"].items():
        if isinstance(value, (Mapping, list, tuple)) or value is None:
            app.wrong(f"must be one value, not {kind(value)}.", "secrets", f".{name}")
    _check_shared(app)
    _check_children(app)


def _check_shared(app: App) -> None:
    """Shared paths stay inside the release, are no file that the role writes, and do not hold each other."""
    seen: set[str] = set()
    for path in filter(None, app["shared"]):
        parts = path.removesuffix("/").split("/")
        plain = "/".join(parts)
        if {"", ".", ".."} & set(parts):
            message = f"`{path}` must be a plain path inside the app's folder, without `.`, `..` and double slashes."
            app.wrong(message, "shared", right="shared: [uploads/]")
        elif plain in ("gramex.yaml", ".secrets.yaml"):
            app.wrong(f"`{path}` belongs to each release and cannot be shared.", "shared")
        elif any(f"{plain}/".startswith(f"{other}/") or f"{other}/".startswith(f"{plain}/") for other in seen):
            app.wrong(f"`{path}` is there twice, or in another shared path.", "shared")
        seen.add(plain)


def _check_children(app: App) -> None:
    """The apps of one instance have names and paths of their own."""
    for child in app["apps"]:
        if isinstance(child, dict):
            child["path"] = child["path"] or f"/{child['name']}/"
    for key in ("name", "path"):
        seen: set[str] = set()
        for child in filter(None, app["apps"]):
            if child[key] in seen:
                app.wrong(f"two apps have the {key} `{child[key]}`.", "apps")
            seen.add(child[key] or "")


def _host_domain(host: Host, app: App) -> str:
    """The host's name in the inventory, where it can be a domain."""
    try:
        return domain(host.name)
    except Wrong:
        if "domain" not in app.written and app.present:
            message = f"is missing, and the host's name `{host.name}` cannot be a domain."
            app.wrong(message, "domain", right="domain: example.com")
        return "localhost"


def _check_unique(apps: Iterable[App], host: Host) -> None:
    """Names, ports, users and places (domain and path; on Windows the port alone) belong to one app each."""
    kinds: tuple[tuple[str, str, Callable[[App], Any]], ...] = (
        ("name", "name", lambda app: app["name"]),
        ("port", "port", lambda app: app["port"]),
        ("user", "user", lambda app: app["user"] if app["name"] else ""),
        ("place", "path", lambda app: "" if host.windows else f"{app['domain']}{app['path']}"),
    )
    for word, key, find in kinds:
        first: dict[Any, App] = {}
        for app in apps:
            value = find(app)
            if not value or (key != "name" and not app.present) or (word == "place" and app.unsound("domain", "path")):
                continue
            other = first.setdefault(value, app)
            if other is not app and not (key == "user" and other["name"] == app["name"]):
                app.wrong(f"has the {word} `{value}`, which {other.label} has already.", key)


def _check_redirects(apps: Iterable[App]) -> None:
    """A domain that redirects serves no app, and redirects to one domain only."""
    present = [app for app in apps if app.present]
    served = {app["domain"] for app in present}
    target: dict[str, str] = {}
    for app in present:
        for name in filter(None, app["redirect"]):
            if name in served:
                app.wrong(f"`{name}` serves an app itself and cannot redirect.", "redirect")
            elif target.setdefault(name, app["domain"]) != app["domain"]:
                app.wrong(f"`{name}` redirects to {target[name]} already.", "redirect")


def _resolve_tls(apps: Iterable[App], default: str) -> None:
    """Give each app its domain's `tls`: what an app of it says, else the default; two answers are a conflict."""
    chosen: dict[str, App] = {}
    for app in apps:
        if app["tls"] and app.present and not app.unsound("domain"):
            other = chosen.setdefault(app["domain"], app)
            if other["tls"] != app["tls"]:
                message = f"is `{app['tls']}`, but {other.label} has `{other['tls']}` for the same domain"
                app.wrong(f"{message} {app['domain']}: one per domain.", "tls")
    answers = {name: app["tls"] for name, app in chosen.items()}
    for app in apps:
        app.values["tls"] = answers.get(app["domain"], app["tls"] or default)
