"""How often somebody may ask: the ``ratelimit:`` key. All processes of an app count together."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from gramex.handlers.expression import compile_function
from gramex.handlers.requestkey import key_function

if TYPE_CHECKING:
    from gramex.services.session.counters import Count, Counters

PERIODS = {"minutely": 60, "hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
FOREVER = 3155760000  # seconds, a hundred years: the period where none is given
KEYS = frozenset(["keys", "limit", "pool"])


class RateLimit:
    """The limit of one entry, or of all that share its `pool`."""

    def __init__(self, spec: Any, name: str):
        """Take the key: `keys` (PERIODS, and who is counted: user, request.remote_ip, ...), `limit`, `pool`.

        Of several periods the shortest counts; without one the count never begins anew.

        Raises:
            ValueError: one of them cannot be.
        """
        if not isinstance(spec, Mapping) or not {"keys", "limit"} <= set(spec):
            raise ValueError(f"ratelimit: must be a mapping such as {{keys: [hourly, user], limit: 100}}, not {spec!r}")
        if unknown := set(spec) - KEYS:
            raise ValueError(
                f"ratelimit: {', '.join(sorted(map(str, unknown)))} is not known; use {', '.join(sorted(KEYS))}"
            )
        keys = spec["keys"]
        names = keys.split(",") if isinstance(keys, str) else keys
        if not isinstance(names, list) or not names:
            raise ValueError(f"ratelimit: keys: must be a list such as [hourly, user], not {keys!r}")
        names = [each.strip() if isinstance(each, str) else each for each in names]
        periods = [PERIODS[each] for each in names if isinstance(each, str) and each in PERIODS]
        self.period = min(periods, default=FOREVER)
        who = [each for each in names if not (isinstance(each, str) and each in PERIODS)]
        self.key = key_function(who, "ratelimit: keys")
        self.limit = self._limit(spec["limit"])
        self.pool = f"ratelimit:{spec.get('pool') or name}"

    @staticmethod
    def _limit(limit: Any) -> Callable[..., Any]:
        if isinstance(limit, Mapping):
            return compile_function(limit, ("handler",))
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise ValueError(f"ratelimit: limit: must be a number such as 100, or a function, not {limit!r}")
        return lambda handler: limit

    def __call__(self, handler: Any) -> Awaitable[None] | None:
        """Count the request.

        Raises:
            HTTPError: 429; there were too many.
        """
        limit = int(self.limit(handler))
        counters, key = handler.services.sessions.counters, self.key(handler)
        if counters.threads is not None:
            return self._count_later(handler, limit, counters, key)
        self._judge(handler, limit, counters.hit(self.pool, key, self.period))
        return None

    async def _count_later(self, handler: Any, limit: int, counters: Counters, key: str) -> None:
        self._judge(handler, limit, await counters.ask(counters.hit, self.pool, key, self.period))

    def _judge(self, handler: Any, limit: int, count: Count) -> None:
        seconds = max(1, math.ceil(count.until - time.time()))
        handler.limit_headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - count.number)),
            "X-RateLimit-Reset": str(seconds),
        }
        if count.number > limit:
            handler.limit_headers["Retry-After"] = str(seconds)
            raise HTTPError(429, "url:%s: %d requests in %d s are allowed", handler.name, limit, self.period)
        handler.set_step_headers()


def setup_ratelimit(cls: Any, ratelimit: Any) -> None:
    """Take the entry's ``ratelimit:``.

    Raises:
        ValueError: what it cannot be.
    """
    if ratelimit is not None and ratelimit is not False:
        cls.add_step("ratelimit", RateLimit(ratelimit, cls.name))
