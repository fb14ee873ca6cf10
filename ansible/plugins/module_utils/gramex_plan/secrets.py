"""The one place that reads the values of secrets, for the action that ships them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramex_plan.values import parsed


def secret_values(apps: Any) -> dict[str, dict[str, Any]]:
    """
    Return the secrets of each app by the app's name, from a templated and checked `gramex_apps`.

    Values are plain text, numbers or booleans. They are for an argument with `no_log` and for nothing else.
    """
    if isinstance(apps, str):
        apps = parsed(apps, list)
    found: dict[str, dict[str, Any]] = {}
    for app in apps or []:
        secrets = app.get("secrets") or {}
        if isinstance(secrets, str):
            secrets = parsed(secrets, dict) or {}
        if isinstance(secrets, Mapping) and secrets:
            found[str(app["name"])] = {str(name): plain(value) for name, value in secrets.items()}
    return found


def plain(value: Any) -> Any:
    """The value in Python's own type: Ansible's carry marks that do not survive a copy."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if kind is bool else kind(value)
    return str(value)
