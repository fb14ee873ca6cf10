"""Renders what starts an app, systemd units or an init script, and chooses its sockets while an address changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from gramex_plan import full, needs
from jinja2 import Environment, FileSystemLoader, StrictUndefined

UNITS = "/etc/systemd/system"


def address(app: Mapping[str, Any], init: str = "systemd") -> str:
    """Return where the app listens: a path, ADDRESS:PORT, or what systemd takes for all addresses, PORT."""
    if not app["port"]:
        return str(app["socket"])
    everywhere = str(app["port"]) if init == "systemd" else f"0.0.0.0:{app['port']}"
    return everywhere if app["expose"] else f"127.0.0.1:{app['port']}"


def sockets(name: str, listen: str, present: Mapping[str, str], settle: bool) -> dict[str, str]:
    """Return the socket units (name to address) that an app is to have, the one for `listen` last.

    `present` are those that the host has. A socket is never restarted while a colour runs, so a changed address is a
    further unit. The former ones stay until nginx uses the new address: `settle` says that it does and drops them.
    """
    unit = next((unit for unit, where in present.items() if where == listen), None)
    if unit is None:
        numbers = [int(found[1]) for other in present if (found := re.search(r"_(\d+)\.socket$", other))]
        unit = f"gramex-{name}_{max(numbers, default=1) + 1}.socket" if present else f"gramex-{name}.socket"
    former = {} if settle else {other: where for other, where in present.items() if other != unit}
    return {**former, unit: listen}


def held(app: Mapping[str, Any], init: str, present: Mapping[str, str], settle: bool) -> dict[str, str]:
    """Return what `sockets` does; none for the full Gramex, which opens its port itself."""
    if app["distribution"] == full.NAME:
        return {}
    return sockets(app["name"], address(app, init), present, settle)


def systemd(templates: Path, app: Mapping[str, Any], held: Mapping[str, str], **settings: Any) -> dict[str, str]:
    """Return the texts (by path) of an app's units on a systemd host; `held` is what `sockets` returned."""
    name, listen = app["name"], address(app)
    texts = {
        f"{UNITS}/{unit}": render(templates, "app.socket.j2", app=app, listen=where, **settings)
        for unit, where in held.items()
    }
    texts[f"{UNITS}/gramex-{name}.service"] = render(templates, "app.service.j2", app=app)
    starter = ""
    if app["distribution"] == full.NAME:
        starter = (templates.parent / "files" / "full.py").read_text(encoding="utf-8")
        texts[f"{app['config']}/full.py"] = starter
    texts[f"{UNITS}/gramex-{name}@.service"] = render(
        templates,
        "app@.service.j2",
        app=app,
        full=hashlib.sha256(starter.encode()).hexdigest()[:16] if starter else "",
        listen=listen,
        sockets=list(held),
        addresses=needs.addresses(app["needs"]),
        **settings,
    )
    return texts


def sysv(templates: Path, app: Mapping[str, Any], **settings: Any) -> dict[str, str]:
    """Return the texts (by path) of an app's init script, its log rotation, and a job for Upstart to copy."""
    return {
        f"/etc/init.d/gramex-{app['name']}": render(
            templates, "app.init.j2", app=app, listen=address(app, "sysv"), **settings
        ),
        f"/etc/logrotate.d/gramex-{app['name']}": render(templates, "app.logrotate.j2", app=app),
        f"{app['config']}/upstart.conf": render(
            templates, "app.upstart.j2", app=app, listen=address(app, "sysv"), **settings
        ),
    }


def render(templates: Path, template: str, **values: Any) -> str:
    """Render one template. Raises jinja2.UndefinedError where a value is missing."""
    return _environment(templates).get_template(template).render(**values)


@lru_cache(maxsize=4)
def _environment(templates: Path) -> Environment:
    # Texts of units and of shell, not of HTML: nothing is to be escaped for a browser.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(templates), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
