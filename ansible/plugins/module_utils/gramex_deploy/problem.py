"""The one way to say that an app cannot be brought to the wanted state."""

from __future__ import annotations


class Problem(Exception):
    """Stops the change of one app; others go on. The text is for the user: what is wrong, what would be right."""
