#!/usr/bin/python
"""Rolls an app back, starts it anew, or looks at it. Called by the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gramex_service
short_description: Roll an app back, start it anew, or look at it
description:
  - Works on apps that were deployed, with what the last deploy noted of them; the inventory is not needed.
options:
  do:
    description: What to do.
    type: str
    required: true
    choices: [rollback, restart, status, logs]
  app:
    description: Name of the app; empty for all of them, or for the only one.
    type: str
    default: ""
  release:
    description: Release to go back to; empty for the good one that served before.
    type: str
    default: ""
  lines:
    description: How many lines of the log to return.
    type: int
    default: 50
  lease:
    description: What the run says of itself for the host's lock.
    type: dict
    default: {}
author:
  - Gramex runtime maintainers
"""
EXAMPLES = r"""
- name: Look at all apps
  gramex_service:
    do: status
"""
RETURN = r"""
there:
  description: Names of the apps that the host has.
  returned: always
  type: list
  elements: str
apps:
  description: For each app that was asked for name, release, colour, state, since, memory, restarts and boot.
  returned: success
  type: list
  elements: dict
tasks:
  description: Tasks by the clock by app, with their last and next runs, where the status was asked for.
  returned: success
  type: dict
logs:
  description: The end of the log by app, where it was asked for.
  returned: success
  type: dict
held:
  description: Who has the host's lock, where somebody else has it.
  returned: failure
  type: dict
"""

import os
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gramex_deploy import lock, look
from ansible.module_utils.gramex_deploy.problem import Problem
from ansible.module_utils.gramex_deploy.standing import Standing, there
from ansible.module_utils.gramex_schedule import status as tasks

SPEC: dict[str, Any] = {
    "do": {"type": "str", "required": True, "choices": ["rollback", "restart", "status", "logs"]},
    "app": {"type": "str", "default": ""},
    "release": {"type": "str", "default": ""},
    "lines": {"type": "int", "default": 50},
    "lease": {"type": "dict", "default": {}},
}


def change(given: dict[str, Any], names: list[str], check: bool) -> list[str]:
    """Roll back or start anew; return a sentence for each app."""
    done = []
    for app in (Standing.of(name) for name in names):
        if check:
            release = app.choose(given["release"]) if given["do"] == "rollback" else app.release
            done.append(f"{app.name}: {release} would be started")
        elif given["do"] == "rollback":
            done.append(f"{app.name}: {app.roll_back(given['release'])}")
        else:
            done.append(f"{app.name}: {app.restart()}")
    return done


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    given, check = module.params, module.check_mode
    if os.geteuid() != 0:
        module.fail_json(msg="this needs root on the host: run the play as root, or with become: true")
    names = there()
    result: dict[str, Any] = {"changed": False, "there": names, "apps": [], "logs": {}, "notes": []}
    wanted = [given["app"]] if given["app"] else names
    if not set(wanted) <= set(names):
        module.exit_json(**result)  # the action knows what else the app may be called, and where else it may be
    if given["do"] == "rollback" and not given["app"] and len(names) > 1:
        module.fail_json(msg=f"name the app that is to go back: -e app=NAME, one of {', '.join(names)}", there=names)
    try:
        if given["do"] in ("rollback", "restart"):
            if check:
                result["notes"] = change(given, wanted, check)
            else:
                with lock.had(given["lease"]):
                    before = [Standing.of(name).colour for name in wanted]
                    result["notes"] = change(given, wanted, check)
                    result["changed"] = before != [Standing.of(name).colour for name in wanted]
        if given["do"] == "logs":
            result["logs"] = {name: look.log(name, given["lines"]) for name in wanted}
        result["apps"] = [look.row(name) for name in wanted]
        if given["do"] == "status":
            result["tasks"] = {name: tasks.rows(name) for name in wanted}
    except lock.Held as held:
        module.fail_json(msg=str(held), held=held.lease, there=names)
    except (Problem, OSError, subprocess.SubprocessError) as problem:
        module.fail_json(msg=str(problem), there=names)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
