"""Runs the program that works on Windows hosts: it gets what it is to do, secrets among it, on standard input."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible import constants

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_plan.secrets import secret_values
from gramex_report.failure import explain
from gramex_source import private
from gramex_source.tree import SourceError
from gramex_windows.controller import wanted

MARGIN = 30  # seconds that a service may take to end beyond its drain time


class ActionModule(ActionBase):
    """Options: step (prepare, serve, remove), plan, wanted (what winservice_compare returned), ready (names of apps).

    Returns apps (rows), ready (names of those that did not fail) and failures (texts): one app stops no other. The
    module's own result is not passed on, its arguments hold secrets.
    """

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        given = private.plain({key: self._task.args[key] for key in ("step", "plan", "wanted")})
        step, plan, compared = given["step"], given["plan"], given["wanted"]
        if self._task.check_mode:
            return self._foretell(step, compared)
        ready = self._task.args.get("ready")
        if ready is not None:
            compared["apps"] = [app for app in compared["apps"] if app["name"] in ready]
        values = secret_values(self._templar.template((task_vars or {}).get("gramex_apps")))
        sources = {app["name"]: app for app in private.join(plan["apps"], values)}
        if step == "prepare":
            self._ship(plan, compared, sources)
        told = {
            "root": plan["settings"]["winservice_root"],
            "key": compared["key"],
            "start_timeout": plan["settings"]["gramex_start_timeout"],
            "stop_timeout": max((app["drain"] for app in plan["apps"]), default=0) + MARGIN,
            "apps": compared["apps"] if step != "remove" else [],
            "absent": {name: app["data"] for name, app in compared["absent"].items()},
            "private": {
                app["name"]: {"env": app["env"], "secrets": private.text(app), "hidden": private.hidden(app)}
                for app in sources.values()
            },
        }
        packed = zlib.compress(json.dumps(wanted.instructions(step, told)).encode())
        program = f"{told['root']}\\deploy\\{Path(compared['tool']).name}"
        answer = self._execute_module(
            "ansible.windows.win_command",
            module_args={"argv": [compared["python"], program], "stdin": base64.b64encode(packed).decode()},
            task_vars=task_vars,
        )
        return self._judge(answer, step)

    def _judge(self, answer: dict[str, Any], step: str) -> dict[str, Any]:
        """The program's own answer, or a failure in words."""
        try:
            found = json.loads(str(answer.get("stdout") or "").strip().splitlines()[-1])
        except (ValueError, IndexError):
            lines = explain({key: answer.get(key) for key in ("msg", "stderr", "rc") if key in answer})
            return {"failed": True, "changed": False, "msg": "\n".join([f"{step}: the host's program failed.", *lines])}
        return {
            "changed": found["changed"],
            "apps": found["rows"],
            "ready": [row["name"] for row in found["rows"] if "failed" not in row],
            "failures": [row["failed"] for row in found["rows"] if "failed" in row],
        }

    def _foretell(self, step: str, compared: dict[str, Any]) -> dict[str, Any]:
        """What a run would do, from what the host remembers."""
        if step == "remove":
            rows = [{"name": name, "state": "absent", "changed": True, "done": []} for name in compared["absent"]]
            return {"changed": bool(rows), "apps": rows, "ready": [], "failures": []}
        rows = [
            {
                "name": app["name"],
                "release": app["release"],
                "environment": app["environment"],
                "changed": app["archive"] if step == "prepare" else app["changed"],
                "done": [],
            }
            for app in compared["apps"]
        ]
        # Services that are not there yet have no accounts to look at.
        ready = [app["name"] for app in compared["apps"] if app["registered"]]
        return {"changed": any(row["changed"] for row in rows), "apps": rows, "ready": ready, "failures": []}

    def _ship(self, plan: dict[str, Any], compared: dict[str, Any], sources: dict[str, Any]) -> None:
        """Send the archives of new releases, in one file."""
        if not any(app["archive"] for app in compared["apps"]):
            return
        with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP, suffix=".tar") as packed:
            try:
                wanted.pack(Path(packed.name), compared["apps"], sources)
            except SourceError as error:
                raise AnsibleActionFail(str(error)) from error
            self._connection.put_file(packed.name, f"{plan['settings']['winservice_root']}\\incoming\\payload.tar")
