"""What ends the start of the server, with the exit code that says so."""

from __future__ import annotations

import logging

from gramex.config import ConfigError, Loaded, Problem

CANNOT_LISTEN = 1
NOT_HEALTHY = 3


class StartError(Exception):
    """The server cannot start; the text is for the operator."""

    def __init__(self, message: str, code: int = CANNOT_LISTEN, busy: bool = False):
        """`code` is the process's exit code, `busy` says that another process listens there."""
        super().__init__(message)
        self.code, self.busy = code, busy


def mistake(loaded: Loaded, message: str, *path: str) -> ConfigError:
    """Return the error for a wrong value at ``app.PATH``, with the file and line, or the option, that it comes from."""
    file, _, line = loaded.where("app", *path).rpartition(":")
    key = ".".join(("app", *path)) if file else f"--{'.'.join(path)}"
    return ConfigError(
        Problem(
            logging.ERROR,
            message,
            loaded.folder / file if file else None,
            int(line) if line.isdigit() else None,
            key,
        )
    )
