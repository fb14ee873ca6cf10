"""Judges the name of an app that a verb was given: meant for this host, for another one, or a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gramex_plan.nearest import nearest


def unknown(
    name: str, there: Sequence[str], listed: Iterable[Mapping[str, Any]], host: str, groups: Sequence[str]
) -> str:
    """Return what is wrong with the name of an app that a host lacks, '' where it is another host's.

    `there` are the apps that the host has, `listed` name and hosts of those in gramex_apps.
    """
    apps = {str(app.get("name")): app.get("hosts") or [] for app in listed}
    if name in apps:
        hosts = [apps[name]] if isinstance(apps[name], str) else list(apps[name])
        if hosts and not {host, *groups} & set(map(str, hosts)):
            return ""
        return f"app {name} has not been deployed to {host} yet: ansible-playbook site.yml"
    near = nearest(name, {*there, *apps})
    meant = f" Did you mean `{near}`?" if near else ""
    known = ", ".join(sorted({*there, *apps})) or "none"
    return f"there is no app `{name}`.{meant} Apps here: {known}."


def listed(raw: Any, template: Callable[[Any], Any]) -> list[dict[str, Any]]:
    """Return name and hosts of the apps in gramex_apps; the rest, such as secrets, is not looked at."""
    if not isinstance(raw, (list, tuple)):
        raw = template(raw) or []
    keys = ("name", "hosts")
    return [{key: template(app[key]) for key in keys if key in app} for app in raw if isinstance(app, Mapping)]


def elsewhere(
    name: str, result: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return what a verb says on a host that has not the app: nothing was done, or, where that is a mistake, a failure.

    `result` is what the host answered, `there` in it the apps that it has; `variables` are the host's.
    """
    host, groups = str(variables["inventory_hostname"]), list(variables.get("group_names") or ())
    message = unknown(name, result["there"], listed(variables.get("gramex_apps"), template), host, groups)
    if message:
        return {**result, "failed": True, "msg": message}
    return {**result, "notes": [f"{name} does not run here"]}
