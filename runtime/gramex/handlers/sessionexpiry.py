"""How long a log in lasts: ``session_expiry:`` and ``session_inactive:`` of a log-in page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gramex.services.session.settings import DAY, days

IDLE = "_idle"  # in the session: the seconds without a request that end it, and when the last request came
LAXNESS = 10  # the time of a request is kept if it is this part of those seconds later than the one kept ...
LONGEST = 60  # ... or as many seconds: a write for each request would be dear


class Expiry:
    """The days of a log in: always the same, or as a field of the form asks for."""

    def __init__(self, spec: Any):
        """Take a number of days, or ``{default: DAYS, key: FIELD, values: {TEXT: DAYS}}``; None is the app's default.

        Raises:
            ValueError: it is neither.
        """
        self.field, self.values = "", {}
        self.default: float | None = None
        if isinstance(spec, Mapping):
            values, field = spec.get("values", {}), spec.get("key", "remember")
            if (
                not isinstance(values, Mapping)
                or not isinstance(field, str)
                or set(spec) - {"default", "key", "values"}
            ):
                raise ValueError(
                    f"session_expiry: must be days, or {{default: 1, key: remember, values: {{week: 7}}}}, not {spec!r}"
                )
            self.field = field
            self.values = {str(text): days(each, f"session_expiry.values.{text}") for text, each in values.items()}
            spec = spec.get("default")
        if spec is not None:
            self.default = days(spec, "session_expiry")

    def of(self, handler: Any) -> float | None:
        """Return the days of the log in that is under way, None for those of ``app.session``."""
        if not self.field:
            return self.default
        return self.values.get(handler.get_arg(self.field, ""), self.default)


def begin_idle(session: dict[str, Any], seconds: float | None) -> None:
    """Let a session end when no request comes for `seconds`; None: it does not."""
    if seconds is None:
        session.pop(IDLE, None)
    else:
        session[IDLE] = [seconds, time.time()]


def end_idle(handler: Any) -> None:
    """Empty the session of a visitor who was away for too long, else note that they are here."""
    idle = handler.peek_session(IDLE)
    if not idle:
        return
    seconds, seen = idle
    now = time.time()
    if now - seen > seconds:
        session = handler.session
        for key in [key for key in session if key != "id"]:
            del session[key]
        handler.log_out()
    elif now - seen > min(seconds / LAXNESS, LONGEST):
        handler.session[IDLE] = [seconds, now]


def idle_seconds(value: Any) -> float | None:
    """Return the seconds of ``session_inactive:``, which is in days.

    Raises:
        ValueError: it is no number above 0.
    """
    return None if value is None else days(value, "session_inactive") * DAY
