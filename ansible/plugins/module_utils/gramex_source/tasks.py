"""Renders what runs an app's tasks by the clock: systemd timers, or a crontab with a program that keeps runs apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gramex_plan import needs
from gramex_schedule import cron

from . import services

LIBRARY = Path(__file__).resolve().parents[1] / "gramex_schedule"


def texts(templates: Path, app: Mapping[str, Any], init: str) -> dict[str, str]:
    """Return the texts (by path) for the tasks of an app, none where it has no tasks."""
    if not app["schedule"]:
        return {}
    tasks = [{**task, "cron": cron.of(task).text, "user": task["user"] or app["user"]} for task in app["schedule"]]
    config = app["config"]
    kept = ("name", "cron", "timeout", "jitter", "catch_up", "user")
    about = {
        "app": app["name"],
        **{key: app[key] for key in ("user", "home", "data", "config")},
        "tasks": [{key: task[key] for key in kept} for task in tasks],
    }
    made = {
        f"{config}/schedule.json": json.dumps(about, indent=1) + "\n",
        f"{config}/task/task.py": (templates.parent / "files" / "task.py").read_text(encoding="utf-8"),
    }
    for name in ("cron.py", "history.py"):
        made[f"{config}/task/{name}"] = (LIBRARY / name).read_text(encoding="utf-8")
    for task in tasks:
        made[f"{config}/tasks/{task['name']}"] = services.render(templates, "task.sh.j2", app=app, task=task)
    return {**made, **(_timers(templates, app, tasks) if init == "systemd" else _crontab(templates, app, tasks))}


def _timers(templates: Path, app: Mapping[str, Any], tasks: list[dict[str, Any]]) -> dict[str, str]:
    made = {}
    for task in tasks:
        unit = f"{services.UNITS}/gramex-{app['name']}:{task['name']}"
        calendars = cron.parse(task["cron"]).calendars()
        made[f"{unit}.service"] = services.render(
            templates, "task.service.j2", app=app, task=task, addresses=needs.addresses(app["needs"])
        )
        made[f"{unit}.timer"] = services.render(templates, "task.timer.j2", app=app, task=task, calendars=calendars)
    return made


def _crontab(templates: Path, app: Mapping[str, Any], tasks: list[dict[str, Any]]) -> dict[str, str]:
    runner = f"{app['python']} -B -s -E {app['config']}/task/task.py"
    return {
        f"/etc/cron.d/gramex-{app['name']}": services.render(
            templates, "app.cron.j2", app=app, tasks=tasks, runner=runner
        )
    }
