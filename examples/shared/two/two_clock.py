"""The time in UTC."""

from datetime import datetime, timezone


def now():
    """Return the time in UTC."""
    return {"app": "two", "now": datetime.now(timezone.utc).isoformat(timespec="seconds")}
