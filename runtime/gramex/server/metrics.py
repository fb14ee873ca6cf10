"""Counts what the running process does, for ``/metrics``."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from typing import Any

# Upper ends in seconds: those that Prometheus clients use by default, so that usual dashboards fit.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Durations:
    """How long the requests of one handler took: `counts` by bucket, the last for those above all; `total` seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0


class Metrics:
    """What happened since the start.

    `requests` counts finished requests by handler and hundreds of the status, `durations` is by handler, `reloads`
    counts those that took effect (True) and those that did not. A handler is the name of a url entry, so a client
    cannot make new ones up.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.durations: dict[str, Durations] = {}
        self.reloads = {True: 0, False: 0}

    def note(self, handler: Any) -> None:
        """Count a request whose answer has been written."""
        seconds = max(0.0, time.time() - handler.request._start_time)
        name = getattr(handler, "name", "") or type(handler).__name__
        self.requests[name, handler.get_status() // 100] += 1
        durations = self.durations.get(name)
        if durations is None:
            durations = self.durations[name] = Durations()
        durations.counts[bisect_left(BUCKETS, seconds)] += 1
        durations.total += seconds
