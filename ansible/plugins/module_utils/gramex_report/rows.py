"""Joins a host's plan with what its roles returned into rows of the final tables."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

NEVER = "does not start at boot"


def rows_of(result: Any) -> list[Mapping[str, Any]]:
    """The rows that a role returned: a list, or a registered result with the key `rows`; [] where it did not run."""
    found = result.get("rows") if isinstance(result, Mapping) else result
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, (list, tuple)) else []


def apps(host: str, plan: Mapping[str, Any], result: Any) -> list[dict[str, str]]:
    """A row for each app of the host: where it is, which release runs, how, and whether it comes back after a boot."""
    returned = {str(row.get("name")): row for row in rows_of(result)}
    names = [app["name"] for app in plan.get("apps", ())]
    wanted = {app["name"]: app for app in plan.get("apps", ())}
    made = []
    for name in [*names, *(other for other in returned if other not in wanted)]:
        app, row = wanted.get(name, {}), returned.get(name, {})
        removed = app.get("state") == "absent" or (not app and row)
        state = "removed" if row.get("state", "absent" if removed else "") == "absent" else str(row.get("state") or "")
        made.append(
            {
                "host": host,
                "app": name,
                "url": "" if removed else str(app.get("url", "")),
                "release": str(row.get("release") or ""),
                "service": state,
                "boot": "" if removed else boot(row.get("boot")),
                "gap": gap(row.get("gap")),
            }
        )
    return made


def status(host: str, found: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """A row for each app of the host as the module gramex_service looked at it."""
    return [
        {
            "host": host,
            "app": str(row["name"]),
            "release": str(row.get("release") or ""),
            "colour": str(row.get("colour") or ""),
            "service": str(row.get("state") or ""),
            "since": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row["since"])) if row.get("since") else "",
            "memory": f"{row['memory'] / 2**20:.0f} MiB" if row.get("memory") else "",
            "restarts": "" if row.get("restarts") is None else str(row["restarts"]),
            "boot": boot(row.get("boot")),
        }
        for row in found
    ]


def tasks(host: str, found: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[dict[str, str]]:
    """A row for each task by the clock, of the apps by their name."""
    keys = ("state", "last", "exit", "next", "missed")
    return [
        {
            **{"host": host, "app": app, "task": str(row["name"])},
            **{key: "" if row.get(key) is None else str(row[key]) for key in keys},
        }
        for app, rows in found.items()
        for row in rows
    ]


def boot(value: Any) -> str:
    """Whether an app comes back after a boot, from a boolean or the role's own words."""
    if isinstance(value, bool):
        return "yes" if value else NEVER
    return str(value or "")


def gap(seconds: float | None) -> str:
    """How long a change left the app without an answer; '' where nothing was changed or it was not measured."""
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds >= 0.1 else "under 0.1 s" if seconds else "none"


def certificates(host: str, result: Any) -> list[dict[str, str]]:
    """A row for each certificate that the host serves."""
    return [
        {
            "host": host,
            "domain": str(row.get("domain", "")),
            "fingerprint": str(row.get("fingerprint") or ""),
            "expires": str(row.get("expires") or ""),
        }
        for row in rows_of(result)
        if row.get("fingerprint")
    ]
