"""Checks the keys of an app that say what it may do on its host: expose, needs."""

from __future__ import annotations

from gramex_plan import needs
from gramex_plan.apps import App


def check(app: App) -> None:
    """Note what is wrong with these keys."""
    if app["expose"] and app["port"] is None and not app.unsound("port"):
        app.wrong(
            "needs a `port`: an app with a UNIX socket cannot be reached from other machines.",
            "expose",
            "",
            "port: 8001",
        )
    for number, need in enumerate(app["needs"]):
        if need is not None and (said := needs.wrong(need)):
            app.wrong(said, "needs", f"[{number}]", "needs: [smtp, db.example.com:5432]")
