"""Compares what a host has of each app with what it is to have, and has its lock from then on. Changes nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_plan.secrets import secret_values
from gramex_source import holder, private, wanted, wheel
from gramex_source.tree import SourceError

REPOSITORY = Path(__file__).resolve().parents[3]


class ActionModule(ActionBase):
    """Options: apps (of gramex_plan), lock, wheel, socket_group, start_timeout, settle, break_lock, tools.

    Returns apps, absent, host and lease for gramex_apply, which gives the lock back; a `stamp` that no other comparison
    has; packages that are missing, and what would be shipped. With `give`, a lease, it only gives the lock back.
    """

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        given = self._task.args
        if given.get("give"):
            return self._ask({"apps": [], "lease": private.plain(given["give"]), "give": True}, task_vars)
        secrets = secret_values(self._templar.template((task_vars or {}).get("gramex_apps")))
        base = str((task_vars or {}).get("inventory_dir") or ".")
        present = private.with_pairs(
            private.join((app for app in given["apps"] if app["state"] == "present"), secrets),
            lambda file: self._loader.get_text_file_contents(str(Path(base, file))),
        )
        lease = holder.lease(f"a deploy of {', '.join(app['name'] for app in present)}", bool(given.get("break_lock")))
        asked = {
            "apps": [app["name"] for app in present],
            "pythons": [app["python"] for app in present],
            "folders": {app["name"]: app["source"] for app in present if wanted.on_host(app)},
            "lease": lease,
        }
        state = holder.ask(lambda told: self._ask(told, task_vars), asked)
        if state.get("failed"):
            return state
        try:
            return self._compared(present, state, lease)
        except BaseException:
            self._ask({"apps": [], "lease": lease, "give": True}, task_vars)
            raise

    def _ask(self, told: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        return dict(self._execute_module("gramex_state", module_args=told, task_vars=task_vars))

    def _compared(self, present: list[dict[str, Any]], state: dict[str, Any], lease: dict[str, Any]) -> dict[str, Any]:
        """Return what gramex_apply is to do."""
        given = self._task.args
        try:
            settings = wanted.Settings(
                repository=REPOSITORY,
                templates=REPOSITORY / "ansible" / "roles" / "gramex" / "templates",
                wheel=wheel.given(Path(given["wheel"])) if given.get("wheel") else wheel.build(REPOSITORY),
                lock=Path(given.get("lock") or REPOSITORY / "locks" / "runtime.txt"),
                socket_group=str(given["socket_group"]),
                start_timeout=int(given["start_timeout"]),
                settle=bool(given.get("settle")),
                tools=str(given.get("tools") or ""),
            )
            apps = [wanted.describe(app, state, settings) for app in present]
        except (SourceError, wheel.WheelError) as error:
            raise AnsibleActionFail(str(error)) from error
        return {
            "changed": False,
            "apps": apps,
            "absent": {str(app["name"]): bool(app["remove_data"]) for app in given["apps"] if app["state"] == "absent"},
            "packages": wanted.packages(apps),
            "lease": {**lease, "broken": False},
            "stamp": str(time.time_ns()),
            "host": wanted.shared(state, settings),
            "wheel": str(settings.wheel.place),
        }
