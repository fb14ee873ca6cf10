"""Checks a bundle on the controller, and ships it to a host that lacks it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_bundle.archive import BundleError, check


class ActionModule(ActionBase):
    """Option: file, the bundle on the controller. Returns `environment` for the tasks that install packages."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Refuse a bundle of which one byte is wrong, before anything is sent."""
        super().run(tmp, task_vars)
        place = Path(str((task_vars or {}).get("inventory_dir") or "."), str(self._task.args["file"])).expanduser()
        if not place.exists():
            place = Path(str(self._task.args["file"])).expanduser().absolute()
        try:
            bundle = check(place)
        except BundleError as error:
            raise AnsibleActionFail(f"gramex_bundle: {error}. Nothing was changed.") from error
        told = {
            "digest": bundle.digest,
            "suite": bundle.manifest["suite"],
            "architecture": bundle.manifest["architecture"],
        }
        found = self._execute_module("gramex_bundle", module_args=told, task_vars=task_vars)
        if found.get("failed") or found["there"]:
            return found
        if self._task.check_mode:
            return {**found, "changed": True}
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        payload = self._connection._shell.join_path(self._connection._shell.tmpdir, "bundle.tar")
        self._transfer_file(str(place), payload)
        try:
            return self._execute_module("gramex_bundle", module_args={**told, "payload": payload}, task_vars=task_vars)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
