"""Takes env and secrets of apps to a host: packed into one text, compared by keyed digests, never shown."""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

HEAD = "# Written by the gramex role: secrets of gramex_apps.\n"
SHORTEST = 5  # a shorter secret is in too many words to be hidden from a log


def plain(value: Any) -> Any:
    """Return a value without the marks that Ansible puts on what it reads: plain mappings, lists, texts and numbers."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def join(apps: Iterable[Mapping[str, Any]], secrets: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the plan's apps with the values of their secrets, of which the plan has the names alone."""
    return [{**plain(app), "secrets": plain(secrets.get(app["name"], {}))} for app in apps]


def with_pairs(apps: Iterable[Mapping[str, Any]], read: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return apps with `pair`: certificate and key that they serve HTTPS with. `read` reads the controller's files."""
    return [
        {**app, "pair": {name: str(read(file)) for name, file in (app["https"].get("source") or {}).items()}}
        for app in apps
    ]


def text(app: Mapping[str, Any]) -> str:
    """Return the text of an app's secrets.yaml, empty where it has none."""
    return HEAD + yaml.safe_dump(app["secrets"], sort_keys=False, allow_unicode=True) if app["secrets"] else ""


def digest(app: Mapping[str, Any], key: str) -> str:
    """Return the keyed digest (hex) of what an app must not show. Without the host's key nobody can try guesses."""
    told = json.dumps([app["env"], app["secrets"], *filter(None, [app.get("pair")])], sort_keys=True)
    return hmac.new(key.encode(), told.encode(), "sha256").hexdigest()


def pack(apps: Iterable[Mapping[str, Any]]) -> str:
    """Pack what apps must not show into one text, which Ansible can hide without hiding each word it holds."""
    told = {
        app["name"]: {
            "env": app["env"],
            "secrets": text(app),
            "hidden": hidden(app),
            "pair": {f"{name}.pem": content for name, content in (app.get("pair") or {}).items()},
        }
        for app in apps
    }
    return base64.b64encode(zlib.compress(json.dumps(told).encode())).decode()


def hidden(app: Mapping[str, Any]) -> list[str]:
    """Return what must not be in a log's end that is shown, the longest first."""
    values = {str(value) for value in app["secrets"].values()}
    return sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True)
