"""Apps that serve HTTPS themselves: with `expose` and `tls: files`, on a host where no nginx does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramex_plan.apps import App

PRIVILEGED = 1024  # ports below are not for users; systemd holds them for an app


def check(app: App) -> None:
    """Note a port that only others than the app's user can have, where nothing speaks for it."""
    port = app["port"]
    if port and port < PRIVILEGED and not app["expose"] and not app.unsound("port"):
        message = f"{port} is too small for a port of this machine alone: at least {PRIVILEGED}, or `expose: true`."
        app.wrong(message, "port", right="port: 8001")


def pair(app: Mapping[str, Any], settings: Mapping[str, Any], proxy: bool) -> dict[str, Any]:
    """Return where an app that serves HTTPS itself has `certificate` and `key`; {} where nginx does, or nobody.

    `source` are the files of the controller, which are copied to those places; {} where IT put them on the host.
    """
    if proxy or not app["expose"] or app["tls"] != "files" or app["state"] != "present":
        return {}
    given = (settings.get("nginx_certificates") or {}).get(app["domain"]) or {}
    files = {name: str(given.get(name)) for name in ("certificate", "key")}
    if given.get("where") == "host":
        return {**files, "source": {}}
    return {**{name: f"/etc/gramex/{app['name']}/{name}.pem" for name in files}, "source": files}
