"""Compares what a Windows host has of each app with what it is to have, and makes what it lacks, here."""

from __future__ import annotations

import base64
import secrets
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LIBRARY = str(Path(__file__).resolve().parents[1] / "module_utils")
if LIBRARY not in sys.path:  # Ansible offers our module_utils to modules, not to its own process
    sys.path.append(LIBRARY)

from gramex_bundle.archive import BundleError
from gramex_plan.secrets import secret_values
from gramex_source import private, wheel
from gramex_source.tree import SourceError
from gramex_windows.controller import bundle, environment, interpreter, tool, wanted

REPOSITORY = Path(__file__).resolve().parents[3]
CACHE = REPOSITORY / "build" / "windows"


class ActionModule(ActionBase):
    """Option: plan, what gramex_plan returned.

    Returns apps, absent, environments to be sent, what runs on the host (tool, python), and whether there is a record.
    """

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        plan = self._task.args["plan"]
        told = private.plain(plan["settings"])
        base = Path(str((task_vars or {}).get("inventory_dir") or "."))
        record, fresh = self._record(told["winservice_root"], task_vars)
        values = secret_values(self._templar.template((task_vars or {}).get("gramex_apps")))
        present = private.join((app for app in plan["apps"] if app["state"] == "present"), values)
        apps, archives = self._made(present, told, base, record) if present else ([], {})
        there = environments(record)
        python = apps[0]["environment"] if apps else min(there, default="")
        return {
            "changed": False,
            "apps": apps,
            "absent": self._absent(plan["apps"], record, told),
            "ship": [{"key": key, "archive": str(place)} for key, place in archives.items()],
            "tool": str(tool.build(CACHE)),
            "python": f"{told['winservice_root']}\\environments\\{python}\\python.exe" if python else "",
            "fresh": fresh,
            "key": record.key,
        }

    def _made(
        self, present: list[dict[str, Any]], told: dict[str, Any], base: Path, record: Any
    ) -> tuple[list[dict[str, Any]], dict[str, Path]]:
        """What the host is to have of each app, and the archives of environments that it lacks."""
        try:
            kit = bundle.given(told, base, CACHE)
            settings = wanted.Settings(
                wheel=wheel.given(Path(told["gramex_wheel"])) if told["gramex_wheel"] else wheel.build(REPOSITORY),
                lock=Path(told["gramex_lock"] or REPOSITORY / "locks" / "runtime.txt"),
                interpreter=interpreter.get(kit.python, told["winservice_python_sha256"], base, CACHE),
            )
            apps = [wanted.describe(app, record, settings) for app in present]
            there = environments(record)
            return apps, {
                app["environment"]: self._archive(app, source, settings, kit)
                for app, source in zip(apps, present, strict=True)
                if app["environment"] not in there
            }
        except (SourceError, wheel.WheelError, interpreter.PythonError, environment.BuildError, BundleError) as error:
            raise AnsibleActionFail(str(error)) from error

    def _record(self, root: str, task_vars: dict[str, Any] | None) -> tuple[Any, bool]:
        """The host's record, and whether it has none yet; a new one has a key of its own."""
        answer = self._execute_module(
            "ansible.windows.slurp", module_args={"src": f"{root}\\record.json"}, task_vars=task_vars
        )
        if answer.get("failed") and "not found" not in str(answer.get("msg")):
            raise AnsibleActionFail(f"{root}\\record.json cannot be read: {answer.get('msg')}")
        text = base64.b64decode(answer.get("content") or "").decode()
        record = wanted.record_of(text)
        record.key = record.key or secrets.token_hex(32)
        return record, not text

    def _absent(self, apps: list[Any], record: Any, told: dict[str, Any]) -> dict[str, Any]:
        """Apps to be taken away, with whether their data go too, and the tasks that they have."""
        listed = {str(app["name"]): bool(app["remove_data"]) for app in apps if app["state"] == "absent"}
        if told["gramex_state"] == "absent":
            listed = {**dict.fromkeys(record.apps, bool(told["gramex_remove_data"])), **listed}
        return {
            name: {"data": data, "tasks": record.apps[name].tasks if name in record.apps else []}
            for name, data in listed.items()
        }

    def _archive(self, app: dict[str, Any], source: dict[str, Any], settings: Any, kit: Any) -> Path:
        """The archive of an app's environment."""
        folder = Path(source["source"]) if source["source"] else None
        names = app["requirements"]
        if source["apps"]:
            places = {inside["name"]: inside["source"] for inside in source["apps"]}
            names = [str(Path(places[name.partition("/")[0]], "requirements.txt")) for name in names]
        recipe = environment.Recipe(
            key=app["environment"],
            interpreter=settings.interpreter,
            lock=settings.lock,
            wheel=settings.wheel.place,
            wheel_digest=settings.wheel.digest,
            requirements=tuple(names),
            folder=folder,
            wheels=kit.wheels,
        )
        return environment.build(recipe, CACHE)


def environments(record: Any) -> set[str]:
    """The keys of the environments that a host has."""
    return {known.environment for app in record.apps.values() for known in app.releases.values()}
