"""Makes the plan of one host from what the operator wrote. The one way in for the action plugin and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gramex_plan import full, https, running, windows
from gramex_plan import schema as schemas
from gramex_plan.apps import EXAMPLE, LIST, Host, check_apps
from gramex_plan.compose import app_urls, complete, sites
from gramex_plan.sources import check_sources
from gramex_plan.values import Checker
from gramex_plan.variables import check_names, settings

FAR = "nginx on another host cannot reach it: that is planned but not built yet. Put the host into the group as well."
JUDGED = {"listeners", "indexes", "free_mb"}  # of no use once the host is found fit


@dataclass
class Checked:
    """Apps and settings that were judged on the controller; what is known of the host is not in it yet."""

    apps: list[dict[str, Any]]
    settings: dict[str, Any]


def check(values: Mapping[str, Any], declared: Mapping[str, Any], host: Host, base: str, checker: Checker) -> Checked:
    """
    Check the variables of a host; every mistake is noted in `checker`.

    `values` are the host's variables, `declared` the roles' variables with their defaults, `base` the folder that
    relative sources start at.
    """
    schema = schemas.load()
    check_names(values, declared, schema, checker)
    chosen = settings(values, declared, schema, checker)
    raw = values.get(LIST)
    if raw is None:
        if {"gramex", "windows"} & host.groups:
            checker.add("is not there: it is the list of apps that the host runs.", LIST, "", EXAMPLE)
        raw = []
    removing = chosen.get("gramex_state") == "absent"
    apps = check_apps(raw, host, schema, checker, str(chosen.get("nginx_tls", "selfsigned")))
    if host.windows and host.groups & {"gramex", "proxy"}:
        checker.add("a host of the group windows is in neither of the groups gramex and proxy.", "inventory")
    for app in apps:
        windows.refuse(app, host, schema)
        running.check(app)
        full.check(app, host)
        if removing:
            app.values["state"] = "absent"
            app.values["remove_data"] = app["remove_data"] or bool(chosen.get("gramex_remove_data"))
        if app.present:
            check_sources(app, base)
            https.check(app)
            far = host.others and host.name not in host.others and "gramex" in host.groups
            if far and not app["expose"]:
                app.wrong(f"runs on {host.name}, which is not in the group proxy. {FAR}")
    named = [app.values for app in apps if app["name"]]
    return Checked(named if {"gramex", "windows"} & host.groups else [], chosen)


def make(checked: Checked, facts: Mapping[str, Any], proxy: bool) -> dict[str, Any]:
    """Return the plan: apps with derived keys, sites where the host is a proxy, settings, and the host's facts."""
    if facts.get("init") == "windows":
        apps = [windows.complete(app, checked.settings) for app in checked.apps]
        return {"apps": apps, "sites": [], "settings": checked.settings, "host": dict(facts)}
    apps = [complete(app, facts.get("init") == "systemd") for app in checked.apps]
    apps = [{**app, "https": https.pair(app, checked.settings, proxy)} for app in apps]
    made = sites(apps, str(facts.get("hostname", "")), checked.settings) if proxy else []
    app_urls(apps, made)
    known = {name: value for name, value in facts.items() if name not in JUDGED}
    return {"apps": apps, "sites": made, "settings": checked.settings, "host": known}
