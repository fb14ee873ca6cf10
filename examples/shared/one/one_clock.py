"""The time here."""

from datetime import datetime


def now():
    """Return this machine's local time."""
    return {"app": "one", "now": datetime.now().astimezone().isoformat(timespec="seconds")}
