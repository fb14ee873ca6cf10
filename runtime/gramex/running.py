"""What apps use of the instance that runs them: `gramex.conf`, `gramex.shutdown`, `gramex.commandline`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gramex.config import inuse


class Conf(dict[str, Any]):
    """The configuration in use, as a mapping whose text keys are attributes too: ``conf.app.listen.port``.

    It is a copy: to change it changes nothing. A reload refreshes it, the object stays the same.
    """

    def __getattr__(self, name: str) -> Any:
        """Return a key."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the configuration has no {name!r} here") from None

    def replace(self, content: Mapping[str, Any]) -> None:
        """Take over another content."""
        self.clear()
        self.update((key, _view(value)) for key, value in content.items())


def _view(value: Any) -> Any:
    if isinstance(value, dict):
        section = Conf()
        section.replace(value)
        return section
    return [_view(each) for each in value] if isinstance(value, list) else value


conf = Conf()


def refresh() -> None:
    """Let `conf` show the configuration in use."""
    conf.replace(inuse.loaded.conf if inuse.loaded else {})


inuse.listeners.append(refresh)
refresh()


def shutdown() -> None:
    """Stop this process as SIGTERM does: requests under way are finished, then it ends. Any thread may call it."""
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def commandline(arguments: Sequence[str] | None = None) -> int:
    """Do what the command `gramex` does with `arguments`, those of this process by default. Returns the exit code."""
    from gramex.cli import main

    return main(arguments)
