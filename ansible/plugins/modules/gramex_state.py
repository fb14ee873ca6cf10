#!/usr/bin/python
"""Says what a host has of its apps. Called by the action gramex_release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gramex_state
short_description: Say which releases, environments and interpreters a host has
description:
  - One question for all apps of a host. Takes the host's lock for the run that asks, makes the key for digests of
    secrets on first use, and changes nothing else.
options:
  apps:
    description: Names of the apps.
    type: list
    elements: str
    required: true
  pythons:
    description: Paths of interpreters to look at.
    type: list
    elements: str
    default: []
  folders:
    description: Folders on the host that are the sources of apps, by the name of the app.
    type: dict
    default: {}
  lease:
    description: What the run says of itself for the host's lock; empty to take none.
    type: dict
    default: {}
  give:
    description: Only give the host's lock back, if the run has it.
    type: bool
    default: false
author:
  - Gramex runtime maintainers
"""
EXAMPLES = r"""
- name: Ask
  gramex_state:
    apps: [site]
    pythons: [/usr/bin/python3]
"""
RETURN = r"""
init:
  description: systemd, or sysv for all else.
  returned: always
  type: str
apps:
  description: For each app the digests of its usable releases, its environments, and its sockets with their addresses.
  returned: always
  type: dict
sources:
  description: What the folders hold, by the name of the app.
  returned: always
  type: dict
pythons:
  description: For each path version, ABI, real path and whether it can make environments; or an error.
  returned: always
  type: dict
held:
  description: Who has the host's lock, where somebody else has it.
  returned: failure
  type: dict
"""

import json
import os
import secrets
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_deploy import files, lock, removal, systemd
from ansible.module_utils.gramex_deploy.record import Record
from ansible.module_utils.gramex_source import identity, tree

ASK = """
import importlib.util, json, os, sys, sysconfig
print(json.dumps({
  "version": list(sys.version_info[:3]), "abi": sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag,
  "real": os.path.realpath(sys.executable), "ensurepip": importlib.util.find_spec("ensurepip") is not None}))
"""


def interpreter(python: str) -> dict:
    """Ask an interpreter what it is."""
    try:
        done = subprocess.run([python, "-I", "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return {"error": str(error), "version": [0, 0, 0], "abi": "", "real": python, "ensurepip": True}


def app(name: str) -> dict:
    """Say what a host has of one app."""
    home = removal.HOMES / name
    record = Record.read(home)
    venvs = home / "venvs"
    return {
        "digests": sorted(known.digest for known in record.releases.values() if known.state != "bad"),
        "environments": sorted(place.name for place in venvs.iterdir() if not place.name.startswith("."))
        if venvs.is_dir()
        else [],
        "sockets": systemd.sockets(name),
    }


def source(told: dict) -> dict:
    """Say what a folder of this host holds that is an app's source. Raises SourceError where it is none."""
    folder = Path(told["host"])
    named = ": ".join(part for part in (told["where"], told["what"]) if part)
    if not folder.is_dir():
        raise tree.SourceError(f"{named}: there is no folder {folder} on {os.uname().nodename}")
    if not (folder / "gramex.yaml").is_file():
        raise tree.SourceError(f"{named}: the folder {folder} has no gramex.yaml, so it is not an app")
    return identity.contents(tree.read(folder))


def key(check: bool) -> str:
    """Return the host's key for digests of secrets; what is on the host cannot be compared with guesses without it."""
    if removal.KEY.exists():
        return removal.KEY.read_text(encoding="ascii").strip()
    made = secrets.token_hex(32)
    if not check:
        removal.KEY.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        files.replace(removal.KEY, f"{made}\n".encode(), mode=0o600)
    return made


def main() -> None:
    spec = {
        "apps": {"type": "list", "elements": "str", "required": True},
        "pythons": {"type": "list", "elements": "str", "default": []},
        "folders": {"type": "dict", "default": {}},
        "lease": {"type": "dict", "default": {}},
        "give": {"type": "bool", "default": False},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    if os.geteuid() != 0:
        module.fail_json(msg="the gramex role needs root on the host: run the play as root, or with become: true")
    if module.params["give"]:
        lock.give(module.params["lease"])
        module.exit_json(changed=False)
    try:
        sources = {name: source(folder) for name, folder in module.params["folders"].items()}
    except (tree.SourceError, OSError) as error:
        module.fail_json(msg=str(error))
    try:
        lock.take({} if module.check_mode else module.params["lease"])
    except lock.Held as held:
        module.fail_json(msg=str(held), held=held.lease)
    try:
        found = {
            "init": "systemd" if Path("/run/systemd/system").is_dir() else "sysv",
            "sources": sources,
            "key": key(module.check_mode),
            "apps": {name: app(name) for name in module.params["apps"]},
            "pythons": {python: interpreter(python) for python in sorted(set(module.params["pythons"]))},
        }
    except BaseException:
        lock.give(module.params["lease"])  # nobody would go on with it
        raise
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
