"""Brings backups of apps to the controller, for its owner's eyes alone, and takes one back to a host for a restore."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_deploy import saved
from gramex_deploy.problem import Problem
from gramex_plan.known import elsewhere
from gramex_plan.login import as_root
from gramex_plan.values import Wrong, boolean
from gramex_source import holder


class ActionModule(ActionBase):
    """Options: do (backup, restore), app, folder (of the controller), file (a backup there), break_lock."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        given = {key: str(self._task.args.get(key) or "").strip() for key in ("do", "app", "folder", "file")}
        host = str(variables["inventory_hostname"])
        folder = Path(given["folder"]).expanduser() / host
        try:
            broken = boolean(self._task.args.get("break_lock") or False)
            file = self._file(given, folder) if given["do"] == "restore" else None
        except (Wrong, Problem) as wrong:
            return {"failed": True, "msg": str(wrong)}
        as_root(self)
        lease = holder.lease(f"a {given['do']} of {given['app'] or 'all apps'}", broken)
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        place = str(self._connection._shell.tmpdir)
        if file and not self._task.check_mode:
            place = str(self._connection._shell.join_path(place, "backup.tar.gz"))
            self._transfer_file(str(file), place)
        told = {"do": given["do"], "app": given["app"], "place": place, "lease": lease}
        try:
            result = holder.ask(lambda arguments: self._execute(arguments, variables), told)
            if result.get("failed"):
                return result
            if given["app"] and given["app"] not in result["there"]:
                return elsewhere(given["app"], result, variables, self._templar.template)
            return {**result, **self._fetch(result, folder)}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _execute(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        return dict(self._execute_module("gramex_backup", module_args=arguments, task_vars=variables))

    def _file(self, given: dict[str, str], folder: Path) -> Path:
        """The backup to bring back: the one that is named, else the newest of this host's app. Raises Problem."""
        if not given["app"]:
            raise Problem("name the app that is to be restored: -e app=NAME")
        if given["file"]:
            file = Path(given["file"]).expanduser()
        else:
            found = sorted(folder.glob(f"{given['app']}-[0-9]*T[0-9]*Z.tar.gz"))
            if not found:
                raise Problem(f"there is no backup of {given['app']} in {folder}. Name one: -e backup=FILE")
            file = found[-1]
        if not file.is_file():
            raise Problem(f"there is no backup {file}")
        manifest = saved.read(file).manifest
        if manifest["app"] != given["app"]:
            raise Problem(f"{file} is a backup of the app {manifest['app']}, not of {given['app']}")
        return file

    def _fetch(self, result: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Bring what was packed here, whole or not at all."""
        notes, files = list(result["notes"]), []
        for app, made in result["backups"].items():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            file = folder / f"{app}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar.gz"
            aside = folder / f".{file.name}.new"
            try:
                os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                self._connection.fetch_file(made["place"], str(aside))
                aside.chmod(0o600)
                if hashlib.sha256(aside.read_bytes()).hexdigest() != made["sha256"]:
                    return {"failed": True, "msg": f"the backup of {app} did not arrive whole. Run again"}
                aside.rename(file)
            finally:
                aside.unlink(missing_ok=True)
            files.append(str(file))
            notes.append(f"{app}: {file} ({file.stat().st_size / 2**20:.1f} MiB)")
        return {"notes": notes, "files": files, "changed": result["changed"] or bool(files)}
