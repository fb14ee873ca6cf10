"""What of the plan is different for hosts of the group windows: keys without a meaning there, places, fitness."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gramex_plan import tasks
from gramex_plan.apps import App, Host
from gramex_plan.problems import Problem
from gramex_plan.schema import Schema

OLDEST = (10, 0)
OLDEST_NAME = "Windows Server 2016"
# Keys that have their meaning on Windows hosts.
KEYS = {
    *("name", "hosts", "source", "apps", "domain", "port", "expose", "health", "drain", "keep", "env", "secrets"),
    *("version", "checksum"),
    *("schedule", "state", "remove_data"),
}
LATER = "it is not built for them yet. Leave it out."
# Names that every version of Windows takes for devices, with whatever extension.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def refuse(app: App, host: Host, schema: Schema) -> None:
    """Note each key of an app for a Windows host that means nothing there, and what else does not fit."""
    if not host.windows:
        return
    for key in app.written:
        rule = schema.apps.get(key)
        if rule and rule.built and key not in KEYS and app[key] != rule.default:
            app.wrong(f"is not for Windows hosts: {rule.windows or LATER}", key)
    if app.present:
        _check(app)


def _check(app: App) -> None:
    if app["port"] is None and not app.unsound("port"):
        app.wrong("is missing: on a Windows host an app listens on a port of its own.", "port", right="port: 8001")
    if isinstance(app["source"], Mapping):
        app.wrong(
            "a folder that is on the host already is not for Windows hosts. Give one of the controller.", "source"
        )
    if DEVICES.fullmatch(str(app["name"])):
        app.wrong(f"`{app['name']}` is the name of a device on Windows.", "name", right="name: site")
    for child in filter(None, app["apps"]):
        if DEVICES.fullmatch(str(child["name"])):
            app.wrong(f"`{child['name']}` is the name of a device on Windows.", "apps")
    for number, task in enumerate(app["schedule"]):
        if task.get("user"):
            app.wrong("tasks run as LOCAL SERVICE on Windows hosts. Leave it out.", "schedule", f"[{number}].user")
        try:
            tasks.triggers(task)
        except tasks.Untold as error:
            app.wrong(str(error), "schedule", f"[{number}].{'every' if task['every'] else 'cron'}")
        except ValueError:
            pass  # wrong on any host, and noted as that


def judge(facts: Mapping[str, Any]) -> Iterator[Problem]:
    """Tell what keeps a Windows host from running apps. `facts` are those of Ansible's setup for Windows."""
    version = str(facts.get("ansible_distribution_version") or "0")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        yield Problem(f"Windows {version} is too old: {OLDEST_NAME} or newer is needed.", "operating system")
    if facts.get("ansible_architecture2") != "x86_64":
        yield Problem("the interpreter and the wheels are for x64, which this host is not.", "architecture")
    if facts.get("ansible_architecture") is None:  # Windows tells administrators alone
        yield Problem(
            "the user that Ansible logs in as is no administrator, which services and rights need.",
            "privileges",
            right="ansible_user: Administrator  # or another member of the group Administrators",
        )


def complete(app: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the app with its derived keys; secrets become the sorted list of their names."""
    name = app["name"]
    return {
        **app,
        "secrets": sorted(app["secrets"]),
        "root": "",
        "service": f"gramex-{name}",
        "account": f"NT SERVICE\\gramex-{name}",
        "home": f"{settings['winservice_root']}\\{name}",
        "data": f"{settings['winservice_data']}\\{name}",
        "address": "" if app["expose"] else "127.0.0.1",
        "url": f"http://{app['domain'] if app['expose'] else '127.0.0.1'}:{app['port']}/",
    }
