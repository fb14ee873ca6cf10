"""The one table of variables that all files, and the app's code, share."""

from __future__ import annotations

from typing import Any

# Code reads it as gramex.config.variables.
variables: dict[str, Any] = {}
