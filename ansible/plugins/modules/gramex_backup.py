#!/usr/bin/python
"""Packs data, env and secrets of apps, or brings them back. Called by the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gramex_backup
short_description: Pack data, env and secrets of apps, or bring them back
description:
  - The action of the same name brings the files to the controller and from there.
options:
  do:
    description: What to do.
    type: str
    required: true
    choices: [backup, restore]
  app:
    description: Name of the app; empty for all of them, with C(backup) only.
    type: str
    default: ""
  place:
    description: With C(backup) the folder on the host to write to, with C(restore) the file to read.
    type: path
    required: true
  lease:
    description: What the run says of itself for the host's lock.
    type: dict
    default: {}
author:
  - Gramex runtime maintainers
"""
EXAMPLES = r"""
- name: Pack an app
  gramex_backup:
    do: backup
    app: site
    place: /root/backups
"""
RETURN = r"""
there:
  description: Names of the apps that the host has.
  returned: always
  type: list
  elements: str
backups:
  description: For each app the file, its SHA-256 and its manifest.
  returned: success
  type: dict
held:
  description: Who has the host's lock, where somebody else has it.
  returned: failure
  type: dict
"""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_deploy import bringback, files, lock, pip, saved
from ansible.module_utils.gramex_deploy.problem import Problem
from ansible.module_utils.gramex_deploy.standing import Standing, there

SPEC: dict[str, Any] = {
    "do": {"type": "str", "required": True, "choices": ["backup", "restore"]},
    "app": {"type": "str", "default": ""},
    "place": {"type": "path", "required": True},
    "lease": {"type": "dict", "default": {}},
}


def pack(names: list[str], folder: Path) -> dict[str, Any]:
    """Write a backup of each app; return what the controller has to know to fetch them."""
    made = {}
    owner = folder.stat()
    for name in names:
        place = folder / f"{name}.tar.gz"
        manifest = saved.save(Standing.of(name), place)
        os.chown(place, owner.st_uid, owner.st_gid)  # who logged in fetches it, and that may not be root
        with place.open("rb") as file:
            total = hashlib.sha256()
            while block := file.read(1 << 20):
                total.update(block)
        made[name] = {"place": str(place), "sha256": total.hexdigest(), "manifest": manifest}
    return made


def run(given: dict[str, Any], names: list[str], result: dict[str, Any]) -> None:
    """Do what was asked for, and note it in the result."""
    try:
        if given["do"] == "backup":
            result["backups"] = pack(names, Path(given["place"]))
        else:
            done = bringback.restore(Standing.of(given["app"]), Path(given["place"]))
            result.update(changed=True, notes=[f"{given['app']}: {done}"])
    finally:
        files.remove(pip.WORK)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given = module.params
    if os.geteuid() != 0:
        module.fail_json(msg="this needs root on the host: run the play as root, or with become: true")
    names = there()
    result: dict[str, Any] = {"changed": False, "there": names, "backups": {}, "notes": []}
    wanted = [given["app"]] if given["app"] else names
    if not set(wanted) <= set(names) or module.check_mode:
        module.exit_json(**result)
    try:
        with lock.had(given["lease"]):
            run(given, wanted, result)
    except lock.Held as held:
        module.fail_json(msg=str(held), held=held.lease, there=names)
    except (Problem, OSError, subprocess.SubprocessError) as problem:
        module.fail_json(msg=str(problem), there=names)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
