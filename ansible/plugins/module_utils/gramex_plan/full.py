"""Apps that run on the full Gramex (`distribution: gramex`): which keys and hosts are fit for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gramex_plan.apps import App, Host
from gramex_plan.problems import IT_TEAM, Problem

NAME = "gramex"
VERSION = "Gramex 1.94.5"
PYTHON = ((3, 10), (3, 12))  # its pandas has no wheels for newer ones, the other packages none for older ones
MACHINES = ("x86_64", "aarch64")
DISK_MB = 700  # an environment, the wheels that it is made of, and room to build
MEMORY_MB = 140  # more than an app of this runtime takes


def check(app: App, host: Host) -> None:
    """Note which keys have no meaning for an app on the full Gramex."""
    if app["distribution"] != NAME or host.windows:
        return
    if app["port"] is None and app.present and not app.unsound("port"):
        app.wrong(f"is missing: {VERSION} has no UNIX socket.", "port", right="port: 8001")
    if app["instances"] > 1:
        app.wrong(
            f"{VERSION} runs as one process: two would write the same session file, and need two ports.", "instances"
        )
    if app["expose"]:
        app.wrong(f"{VERSION} listens on this machine alone, and nginx serves it.", "expose")
    if app["apps"]:
        message = f"several apps in one instance need this runtime: {VERSION} mounts imports elsewhere. One app each."
        app.wrong(message, "apps")


def judge(
    facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> Iterator[Problem]:
    """What keeps a host from running those of its present apps that want the full Gramex."""
    wanted = [app for app in apps if app["distribution"] == NAME]
    if not wanted:
        return
    what = f"distribution of {', '.join(app['name'] for app in wanted)}"
    if facts["init"] != "systemd":
        yield Problem(f"{VERSION} is started and watched by systemd alone, which this host does not have.", what)
    if facts["machine"] not in MACHINES:
        there = " and ".join(MACHINES)
        message = f"there are no wheels of what {VERSION} needs for {facts['machine']}, only for {there}."
        yield Problem(message, what, who=IT_TEAM)
    if settings.get("gramex_bundle"):
        message = f"a bundle holds this runtime, not {VERSION}: a package index, or a mirror of it, has that one."
        yield Problem(message, what)
    for path in dict.fromkeys(app["python"] for app in wanted):
        version = (facts["python"].get(path) or {}).get("version")
        if version and not PYTHON[0] <= tuple(version[:2]) <= PYTHON[1]:
            oldest, newest = (".".join(map(str, part)) for part in PYTHON)
            yield Problem(
                f"{path} is Python {'.'.join(map(str, version))}; there are wheels of what {VERSION} needs "
                f"for {oldest} to {newest} only.",
                f"python of {', '.join(app['name'] for app in wanted if app['python'] == path)}",
                right="python: /opt/python3.12/bin/python3, or the runtime of this project: leave `distribution` out",
                who=IT_TEAM,
            )


def fresh(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]]) -> int:
    """How many of the apps want the full Gramex, and have no environment yet."""
    return sum(app["distribution"] == NAME and app["name"] in facts["preflight"]["new_apps"] for app in apps)
