"""Checks the keys of an app that say what it may do on its host: expose, needs, schedule."""

from __future__ import annotations

from gramex_schedule import cron

from gramex_plan import needs
from gramex_plan.apps import App


def check(app: App) -> None:
    """Note what is wrong with these keys."""
    if app["expose"] and app["port"] is None and not app.unsound("port"):
        message = "needs a `port`: an app with a UNIX socket cannot be reached from other machines."
        app.wrong(message, "expose", right="port: 8001")
    for number, need in enumerate(app["needs"]):
        if need is not None and (said := needs.wrong(need)):
            app.wrong(said, "needs", f"[{number}]", "needs: [smtp, db.example.com:5432]")
    _check_tasks(app)


def _check_tasks(app: App) -> None:
    """Each task has a name of its own, one way to say when it is due, and a user who is not root."""
    seen: set[str] = set()
    for number, task in enumerate(app["schedule"]):
        part = f"[{number}]"
        if not task or not task["name"]:
            continue
        if task["name"] in seen:
            app.wrong(f"two tasks have the name `{task['name']}`.", "schedule", part)
        seen.add(task["name"])
        if bool(task["cron"]) == bool(task["every"]):
            app.wrong("takes either `cron` or `every`.", "schedule", part, "cron: 30 5 * * *")
            continue
        if task["user"] == "root":
            app.wrong("a task never runs as root.", "schedule", f"{part}.user", "leave `user` out: it is the app's")
        try:
            cron.of(task)
        except ValueError as error:
            app.wrong(str(error), "schedule", f"{part}.{'every' if task['every'] else 'cron'}")
