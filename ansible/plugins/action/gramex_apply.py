"""Ships what a host lacks in one file, then lets the module of the same name bring its apps about."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible import constants

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_plan.secrets import secret_values
from gramex_source import holder, payload, private, wheel
from gramex_source.tree import SourceError


class ActionModule(ActionBase):
    """Options: wanted (what gramex_release returned) and apps (of gramex_plan); or everything and its own."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        given = self._task.args
        if given.get("everything"):
            lease = holder.lease("a removal", bool(given.get("break_lock")))
            asked = {"everything": True, "remove_data": bool(given.get("remove_data")), "lease": lease}
            return holder.ask(lambda told: self._execute(told, task_vars), asked)
        wanted = private.plain(given["wanted"])
        secrets = secret_values(self._templar.template((task_vars or {}).get("gramex_apps")))
        base = str((task_vars or {}).get("inventory_dir") or ".")
        joined = private.with_pairs(
            private.join(given["apps"], secrets),
            lambda file: self._loader.get_text_file_contents(str(Path(base, file))),
        )
        sources = {app["name"]: app for app in joined}
        told = {
            "apps": wanted["apps"],
            "absent": wanted["absent"],
            "host": wanted["host"],
            "private": private.pack(sources[app["name"]] for app in wanted["apps"]),
            "lease": wanted["lease"],
            "payload": "" if self._task.check_mode else self._ship(wanted, sources),
        }
        result = self._execute(told, task_vars)
        self._remove_tmp_path(self._connection._shell.tmpdir)
        return {**result, "stamp": wanted["stamp"]}

    def _execute(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return dict(self._execute_module("gramex_apply", module_args=arguments, task_vars=task_vars))

    def _ship(self, wanted: dict[str, Any], sources: dict[str, Any]) -> str:
        """Send what the host lacks and return where it is there; empty if it lacks nothing."""
        with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP, suffix=".tar") as packed:
            try:
                place = Path(packed.name)
                if not payload.pack(place, wanted["apps"], sources, wheel.given(Path(wanted["wheel"]))):
                    return ""
            except (SourceError, wheel.WheelError) as error:
                raise AnsibleActionFail(str(error)) from error
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            target = self._connection._shell.join_path(self._connection._shell.tmpdir, "payload.tar")
            self._transfer_file(packed.name, target)
            return str(target)
