#!/usr/bin/python
"""Brings all apps of a host to the wanted state. Called by the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gramex_apply
short_description: Bring the apps of a host to the wanted state
description:
  - Users, folders, environments, releases, units and the switch to a new release, for all apps in one call.
  - The action of the same name ships what the host lacks and fills in the options; nobody writes them by hand.
options:
  apps:
    description: Apps that the host is to have, as the action gramex_release returns them.
    type: list
    elements: dict
    default: []
  absent:
    description: Names of apps that the host is not to have, each with whether its data go too.
    type: dict
    default: {}
  everything:
    description: Remove all apps that the host has, listed or not.
    type: bool
    default: false
  remove_data:
    description: With O(everything), remove the data too.
    type: bool
    default: false
  private:
    description: Environment and secrets of the apps, packed into one text, so that no value of them is shown.
    type: str
    default: ""
  payload:
    description: File on the host with archives of new releases, lock and wheel; empty if it lacks nothing.
    type: str
    default: ""
  host:
    description: Kind of service manager, and what all apps share.
    type: dict
    default: {}
  lease:
    description: What the run says of itself for the host's lock, which is given back at the end.
    type: dict
    default: {}
author:
  - Gramex runtime maintainers
"""
EXAMPLES = r"""
- name: Remove all apps of a host, but not their data
  gramex_apply:
    everything: true
"""
RETURN = r"""
apps:
  description: For each app name, release, state, boot, what was done, and the measured gap where there was one.
  returned: always
  type: list
  elements: dict
notes:
  description: What an operator should know though nothing failed.
  returned: always
  type: list
  elements: str
held:
  description: Who has the host's lock, where somebody else has it.
  returned: failure
  type: dict
"""

import base64
import json
import os
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_deploy import environment, files, lock, pip, removal, systemd
from ansible.module_utils.gramex_deploy.app import App, Host, hide
from ansible.module_utils.gramex_deploy.files import Files
from ansible.module_utils.gramex_deploy.problem import Problem
from ansible.module_utils.gramex_source import tree

SPEC: dict[str, Any] = {
    "apps": {"type": "list", "elements": "dict", "default": []},
    "absent": {"type": "dict", "default": {}},
    "everything": {"type": "bool", "default": False},
    "remove_data": {"type": "bool", "default": False},
    "private": {"type": "str", "default": "", "no_log": True},
    "payload": {"type": "str", "default": ""},
    "host": {"type": "dict", "default": {}},
    "lease": {"type": "dict", "default": {}},
}


@contextmanager
def workplace(check: bool) -> Iterator[Path]:
    """Give a folder for what came along and for builds. What an earlier run left there goes, as this one's will."""
    if not check:
        files.remove(pip.WORK)
        pip.WORK.mkdir(mode=0o711, parents=True)
    try:
        yield pip.WORK
    finally:
        if not check:
            files.remove(pip.WORK)
            files.empty(pip.CACHE)  # made for the folder alone, where nothing is deployed


def unpack(payload: str, into: Path) -> None:
    """Unpack what came along: plain files, named by the controller, for root's eyes."""
    if not payload:
        return
    with tarfile.open(payload) as tar:
        for member in tar:
            source = tar.extractfile(member)
            if source and "/" not in member.name:
                with source, (into / member.name).open("wb") as target:
                    os.fchmod(target.fileno(), 0o600)
                    shutil.copyfileobj(source, target)


def wanted(given: dict[str, Any], place: Path, check: bool) -> list[App]:
    """Return the apps to bring about; `place` holds what came along."""
    if not given["apps"]:
        return []
    if not check:
        collect(given["apps"], place)
    private = json.loads(zlib.decompress(base64.b64decode(given["private"])))
    told = given["host"]
    host = Host(**{**told, "place": place, "wheel": place / told["wheel"]})
    return [
        App({**app, "archive": place / f"{app['name']}.tar.gz"}, private[app["name"]], host, check)
        for app in given["apps"]
    ]


def collect(apps: list[dict[str, Any]], place: Path) -> None:
    """Pack sources that are on this host, as the controller packs the others. Raises Problem."""
    for app in apps:
        if app["source"] and app["archive"]:
            try:
                with (place / f"{app['name']}.tar.gz").open("wb") as packed:
                    found = tree.archive(tree.read(Path(app["source"])), packed)
            except tree.SourceError as error:
                raise Problem(f"app {app['name']}: {error}") from error
            if found != app["files"]:
                raise Problem(f"app {app['name']}: its folder changed while it was read. Run again")


def bring(apps: list[App], failed: dict[str, str]) -> None:
    """Take the apps through their steps together, so that units are read once. One that fails stops no other."""
    for step in ("prepare", "write"):
        each(apps, failed, step)
    reload(apps, failed)
    for step in ("serve", "watch", "tidy"):
        each(apps, failed, step)
    if any(app.units_changed and not app.check for app in apps):
        systemd.reload()


def reload(apps: list[App], failed: dict[str, str]) -> None:
    """Let systemd read changed units once, and units that an earlier run wrote but did not get to tell of."""
    for app in apps:
        if app.name in failed or app.check or not isinstance(app.services, systemd.Systemd):
            continue
        if app.units_changed or app.services.outdated():
            systemd.reload()
            break
    for app in apps:
        app.units_changed = False


def each(apps: list[App], failed: dict[str, str], step: str) -> None:
    """Run one step of each app that has not failed, and note the failures."""
    for app in apps:
        if app.name in failed:
            continue
        try:
            getattr(app, step)()
        except (Problem, OSError, subprocess.SubprocessError) as problem:
            if not isinstance(problem, Problem):
                app.take_back()
            failed[app.name] = f"app {app.name}: {hide(str(problem), app.private)}"


def remove(given: dict[str, Any], check: bool) -> tuple[dict[str, Files], Files]:
    """Remove the apps that are to be absent; return what was done for each, and to what they shared."""
    init = "systemd" if Path("/run/systemd/system").is_dir() else "sysv"
    absent = dict.fromkeys(removal.names(), given["remove_data"]) if given["everything"] else given["absent"]
    removed = {name: removal.remove(name, init, data, check) for name, data in absent.items()}
    if any(gone.done for gone in removed.values()) and init == "systemd" and not check:
        systemd.reload()
    return removed, removal.finish(check) if absent or given["everything"] else Files(check=check)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given, check = module.params, module.check_mode
    if os.geteuid() != 0:
        module.fail_json(msg="the gramex role needs root on the host: run the play as root, or with become: true")
    try:
        lock.take({} if check else given["lease"])
        with nullcontext() if check else lock.alone():
            result, failed = apply(given, check)
    except lock.Held as held:
        module.fail_json(msg=str(held), held=held.lease)
    except Problem as problem:
        module.fail_json(msg=str(problem))
    finally:
        if not check:
            lock.give(given["lease"])
    if failed:
        module.fail_json(msg="\n".join(failed.values()), **result)
    module.exit_json(**result)


def apply(given: dict[str, Any], check: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """Bring about and remove what is asked for; return the result, and the failures by app."""
    failed: dict[str, str] = {}
    with workplace(check) as place:
        unpack(given["payload"], place)
        apps = wanted(given, place, check)
        bring(apps, failed)
        if given["payload"] and apps:
            locks = {app.wanted["lock_digest"] for app in apps}
            environment.forget(locks, {app.wanted["interpreter"] for app in apps})
    removed, rest = remove(given, check)
    if given["everything"] and not check:
        lock.forget()
    rows = [app.result() for app in apps]
    for name, gone in removed.items():
        rows.append({"name": name, "state": "absent", "changed": bool(gone.done), "done": gone.done})
    changes = [*(app.files for app in apps), *removed.values(), rest]
    return {
        "changed": any(row["changed"] for row in rows) or bool(rest.done),
        "apps": rows,
        "notes": [note for app in apps for note in app.notes],
        "diff": [diff for change in changes for diff in change.diffs],
    }, failed


if __name__ == "__main__":
    main()
