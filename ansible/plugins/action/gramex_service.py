"""Rolls an app back, starts it anew, shows its state or its log: says which app is meant, and lays out the answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_plan.known import elsewhere
from gramex_plan.login import as_root
from gramex_plan.values import Wrong, boolean, whole
from gramex_report.rows import status, tasks
from gramex_report.table import STATUS, TASKS, table
from gramex_source import holder

PURPOSES = {"rollback": "a rollback", "restart": "a restart"}


class ActionModule(ActionBase):
    """Options: do (rollback, restart, status, logs), app, release, lines, break_lock. Fails for an app nobody knows."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        given = {key: str(self._task.args.get(key) or "").strip() for key in ("do", "app", "release")}
        try:
            lines = whole(self._task.args.get("lines") or 50)
            broken = boolean(self._task.args.get("break_lock") or False)
        except Wrong as wrong:
            return {"failed": True, "msg": f"lines or gramex_break_lock: {wrong}"}
        as_root(self)
        purpose = f"{PURPOSES.get(given['do'], given['do'])} of {given['app'] or 'all apps'}"
        told = {**given, "lines": lines, "lease": holder.lease(purpose, broken)}
        result = holder.ask(lambda arguments: self._execute(arguments, variables), told)
        if result.get("failed"):
            return result
        if given["app"] and given["app"] not in result["there"]:
            return elsewhere(given["app"], result, variables, self._templar.template)
        host = str(variables["inventory_hostname"])
        return {**result, **self._shown(given["do"], host, result)}

    def _execute(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        return dict(self._execute_module("gramex_service", module_args=arguments, task_vars=variables))

    def _shown(self, do: str, host: str, result: dict[str, Any]) -> dict[str, Any]:
        if do == "logs":
            notes = []
            for name, log in result["logs"].items():
                notes += [f"== {name} on {host}", *(log.splitlines() or ["(nothing)"]), ""]
            return {"notes": notes, "logs": result["logs"]}
        rows = status(host, result["apps"])
        due = tasks(host, result.get("tasks") or {})
        lines = [*result["notes"], *table(rows, STATUS), "", *table(due, TASKS)]
        return {"report": {"status": rows, "tasks": due}, "msg": "\n".join(lines).strip()}
