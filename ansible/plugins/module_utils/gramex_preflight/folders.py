"""Looks, on the host, at folders that were to be copied there as sources of apps."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def unfit(folder: str) -> str:
    """Why a folder of this host is no source of an app, '' where it is one."""
    try:
        with os.scandir(folder):
            pass
        with Path(folder, "gramex.yaml").open("rb"):
            return ""
    except FileNotFoundError as error:
        if str(error.filename) == str(folder):
            return f"there is no folder {folder} on {socket.gethostname()}"
        return f"the folder {folder} has no gramex.yaml, so it is not an app"
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
