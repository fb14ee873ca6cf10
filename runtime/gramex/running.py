"""What apps use of the instance that runs them: `gramex.conf`, `gramex.shutdown`, `gramex.commandline`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gramex.config import inuse
from gramex.config.view import View, view


class Conf(View):
    """The configuration in use, as a mapping whose text keys are attributes too: ``conf.app.listen.port``.

    It is a copy: to change it changes nothing. A reload refreshes it, the object stays the same.
    """

    def replace(self, content: Mapping[str, Any]) -> None:
        """Take over another content."""
        self.clear()
        self.update(view(dict(content)))


conf = Conf()


def refresh() -> None:
    """Let `conf` show the configuration in use."""
    conf.replace(inuse.loaded.conf if inuse.loaded else {})


inuse.listeners.append(refresh)
refresh()


def shutdown() -> None:
    """Stop as SIGTERM does: requests under way are finished, then the process ends. Any thread may call it.

    Of several processes (``app.listen.processes``) all end.
    """
    from gramex.server.worker import is_supervised

    if sys.platform == "win32":
        from gramex.server import stop

        stop()  # a service gets no signals
    else:
        os.kill(os.getppid() if is_supervised() else os.getpid(), signal.SIGTERM)


def commandline(arguments: Sequence[str] | None = None) -> int:
    """Do what the command `gramex` does with `arguments`, those of this process by default. Returns the exit code."""
    from gramex.cli import main

    return main(arguments)
