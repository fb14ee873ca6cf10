"""Judges whether a host is fit to receive its apps, from the facts that the module gramex_host gathered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gramex_plan import full
from gramex_plan.compose import outer_ports
from gramex_plan.https import PRIVILEGED
from gramex_plan.problems import IT_TEAM, Problem

SUPPORTED = {"debian": ("12", "13")}
PYTHON = (3, 10)
FREE_MB = 300  # an environment, a release beside the old one and the package index's files
ROOM_MB = 50  # for each new app after the first: its environment, and a release or two
MEMORY_MB = 100  # for one app's new release beside the old one, while environments are made
APP_MB = 60  # an app that only serves files and templates; those with much to load take more
CLOCK_SECONDS = 5  # more is worth a look: logs of several hosts, links that expire
CLOCK_WRONG = 300  # with more, package indexes and certificates are not trusted
BUNDLE = "Where there is no way to it, the offline bundle (`make bundle`) installs without a network."


def judge(
    facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], proxy: bool
) -> list[Problem]:
    """
    Return what keeps the host from running `apps` (and a proxy in front of them), each with how to mend it.

    `facts` is what gramex_host returns; `apps` are checked apps.
    """
    present = [app for app in apps if app["state"] == "present"]
    found = [*_privileges(facts)]
    if present:
        found += [*_system(facts, settings), *_interpreters(facts, present), *full.judge(facts, present, settings)]
        found += [*_disk(facts, present), *_memory(facts, present)]
        found += [*_clock(facts), *_indexes(facts), *_sources(facts, present)]
        found += _init(facts, present, proxy)
    if present and facts["uid"] == 0:  # who holds a port is told to root only
        found += [*_app_ports(facts, present), *(_proxy_ports(facts, present, settings) if proxy else ())]
    return found


def _privileges(facts: Mapping[str, Any]) -> Iterator[Problem]:
    if facts["uid"] != 0:
        yield Problem(
            f"the deploy runs as {facts['user']}, and needs root for users, services and nginx.",
            "privileges",
            right="run it as root, or with `--become --ask-become-pass` where sudo is set up",
        )


def _system(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Problem]:
    if facts["os_version"] in SUPPORTED.get(facts["os"], ()) or settings.get("gramex_allow_unverified_os"):
        return
    known = ", ".join(f"{name.capitalize()} {' and '.join(versions)}" for name, versions in SUPPORTED.items())
    yield Problem(
        f"{facts['os_name']} is not supported. Tested are: {known}.",
        "operating system",
        right="gramex_allow_unverified_os: true  # to try it all the same",
        who=IT_TEAM,
    )


def _init(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]], proxy: bool) -> Iterator[Problem]:
    """What only systemd does for an app: hold a port that its user may not have, and start one that speaks TLS."""
    for app in apps if facts["init"] != "systemd" else ():
        if app["port"] and app["port"] < PRIVILEGED:
            message = f"{app['port']} is for root alone, and only systemd holds such a port for an app."
            yield Problem(message, f"port of {app['name']}", right="port: 8443")
        if app["expose"] and app["tls"] == "files" and not proxy:
            message = "an app serves HTTPS itself where systemd starts it, which it does not here."
            right = "put the host into the group proxy: nginx serves the certificate then"
            yield Problem(message, f"tls of {app['name']}", right=right)
        if app["schedule"] and not facts["packages"]["cron"]:
            message = "there is neither systemd nor cron on this host to start its tasks."
            yield Problem(message, f"schedule of {app['name']}", right="apt-get install cron", who=IT_TEAM)


def _interpreters(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    wanted = ".".join(map(str, PYTHON))
    for path in dict.fromkeys(app["python"] for app in apps):
        names = ", ".join(app["name"] for app in apps if app["python"] == path)
        python = facts["python"].get(path, {})
        what = f"python of {names}"
        if not python.get("version"):
            yield Problem(f"{path} does not run: {python.get('error') or 'there is no such file'}.", what)
        elif tuple(python["version"][:2]) < PYTHON:
            version = ".".join(map(str, python["version"]))
            yield Problem(f"{path} is Python {version}, too old: {wanted} or newer is needed.", what)
        elif not python["reachable"]:
            yield Problem(
                f"{path} is in a folder that the app's user cannot enter.", what, right="python: /usr/bin/python3"
            )


def _disk(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    more = max(0, len(facts["preflight"]["new_apps"]) - 1)
    needed = FREE_MB + ROOM_MB * more + full.DISK_MB * full.fresh(facts, apps)
    for path, free in facts["free_mb"].items():
        if free < needed:
            yield Problem(f"{free} MB are free, {needed} MB are needed.", f"disk space at {path}", who=IT_TEAM)


def _memory(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    free, fresh = facts["preflight"]["memory_mb"], facts["preflight"]["new_apps"]
    large = full.fresh(facts, apps)
    needed = MEMORY_MB + APP_MB * len(fresh) + full.MEMORY_MB * large
    if free is not None and free < needed:
        each = f", {APP_MB} MB of it for each new app" if fresh else ""
        each += f" and {full.MEMORY_MB} MB more for one on the full Gramex" if large else ""
        yield Problem(f"{free} MB are free, {needed} MB are needed{each}.", "memory", who=IT_TEAM)


def _clock(facts: Mapping[str, Any]) -> Iterator[Problem]:
    """`off` is how far the host's clock is from the controller's, in seconds; the time that asking took is no fault."""
    off = facts["preflight"]["off"]
    if abs(off) > CLOCK_SECONDS:
        side = "ahead of" if off > 0 else "behind"
        yield Problem(
            f"is {abs(off):.0f} s {side} the controller's.",
            "clock",
            right="let it follow a time server: apt-get install systemd-timesyncd, or chrony",
            who=IT_TEAM,
            warning=abs(off) <= CLOCK_WRONG,
        )


def _indexes(facts: Mapping[str, Any]) -> Iterator[Problem]:
    for name, index in facts["indexes"].items():
        if not index["ok"]:
            yield Problem(f"{index['url']} does not answer: {index['error']}. {BUNDLE}", name, who=IT_TEAM)


def _sources(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """What was to be copied to the host, and is not there as an app."""
    found = facts["preflight"]["sources"]
    for app in apps:
        if error := found.get(app["name"]):
            told = app["source"]
            yield Problem(f"{error}.", told["what"], told["where"], "copy the app there", who=IT_TEAM)


def _proxy_ports(
    facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> Iterator[Problem]:
    for port in outer_ports(apps, settings):
        for taker in facts["listeners"].get(str(port), []):
            if taker["program"] != "nginx":
                yield Problem(f"is taken by {named(taker)}. nginx needs it.", f"port {port}", right=_stop(taker))


def _app_ports(facts: Mapping[str, Any], apps: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    for app in apps:
        for taker in facts["listeners"].get(str(app["port"]), []):
            # The app's own, or the socket unit's: systemd holds it for the app.
            if taker["user"] != app["user"] and taker["program"] != "systemd":
                what = f"port {app['port']} of {app['name']}"
                yield Problem(
                    f"is taken by {named(taker)}.", what, right=f"{_stop(taker)}, or give the app another port"
                )


def named(taker: Mapping[str, Any]) -> str:
    """A program that holds a port, as an operator would look for it."""
    if not taker["pid"]:
        return "a program outside this machine's view (another container that shares its network?)"
    return f"{taker['program']} (process {taker['pid']}, user {taker['user']})"


def _stop(taker: Mapping[str, Any]) -> str:
    return f"stop {taker['program']}" if taker["pid"] else "stop that program"
