"""Take away what the role brought, and leave nginx as it was found."""

from __future__ import annotations

import contextlib
from pathlib import Path

from . import ask, record, swap
from .config import foreign
from .outcome import NginxError, Outcome
from .serve import config_changes
from .service import Service
from .staging import Staging
from .tree import certificate_changes


def remove(staging: Staging, status_address: str, port: int, wait: float, check: bool) -> Outcome:
    """
    Remove files, certificates and record; bring back the default site; stop and disable nginx if it was not there.

    An nginx that serves other people's sites keeps running. Raises NginxError with the former state in place.
    """
    said = Outcome()
    kept = record.load()
    staging.keep_certificates(set())
    changes = config_changes({})
    if kept and kept.default_site and swap.current(record.DEFAULT_LINK)[0] is None and record.DEFAULT_SITE.exists():
        changes.append(swap.Change(record.DEFAULT_LINK, None, kept.default_site))
        said.done.append("default site restored")
    for item in changes:
        staging.put(item)
        said.note_file(item)
    changes += certificate_changes(staging.tls)
    if not kept and not changes:
        return said
    kept = kept or record.Record(installed=True, enabled=True, running=True)
    others = foreign(record.CONF, [record.DEFAULT_LINK]).servers
    service = Service(foreign(record.CONF))
    # Not running before us means: stopped again. But sites that came since need the nginx that came with us.
    since = not kept.installed and bool(others)
    stop = not kept.running and not since
    said.changed = True
    running = service.master() != 0
    if running:
        said.done.append("nginx stopped" if stop else "nginx reloaded without our sites")
    if since:
        said.warnings.append(f"nginx goes on: it serves other sites, such as the one in {others[0].where}.")
    if running and not stop:
        refused = staging.test(set())
        if refused:
            raise NginxError("Nothing was removed: nginx refuses the configuration that would be left.", refused)
    if check:
        return said
    swap.apply(changes, owned=record.TLS)
    if stop:
        service.stop()
    elif running:
        service.reload()
        if not ask.until(lambda: not ask.digest(status_address, port), wait):
            reasons = service.why()
            swap.apply([item.reverse() for item in reversed(changes)], owned=record.TLS)
            service.reload()
            raise NginxError("nginx did not let go of our sites. The former files are back.", reasons)
    if not kept.enabled and not since and service.enabled():
        service.enable(False)
        said.done.append("nginx disabled at boot")
    for name in kept.folders:
        _clear(Path(name))
    record.forget()
    return said


def _clear(folder: Path) -> None:
    """Remove a folder that the role made, unless somebody keeps something in it."""
    for path in (folder / ".well-known" / "acme-challenge", folder / ".well-known", folder):
        with contextlib.suppress(OSError):
            path.rmdir()
