"""Writes the metrics as Prometheus reads them, by prometheus-client (extra ``metrics``). Imported when first asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gramex import __version__
from gramex.server.metrics import BUCKETS, Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Figures(Collector):
    """All metrics of the server at one moment."""

    def __init__(self, metrics: Metrics, gauges: Mapping[str, tuple[str, float]], process: str):
        """`gauges` are name -> (help, value); `process` is this one's name among those of the app, '' for none."""
        self.metrics, self.gauges, self.process = metrics, gauges, process

    def collect(self) -> Iterator[Metric]:
        """Return them."""
        info = GaugeMetricFamily(
            "gramex_info", "Version, and name among the app's processes", None, ["version", "process"]
        )
        info.add_metric([__version__, self.process], 1)
        yield info
        requests = CounterMetricFamily("gramex_requests", "Finished requests", None, ["handler", "status"])
        for (handler, hundreds), count in self.metrics.requests.items():
            requests.add_metric([handler, f"{hundreds}xx"], count)
        yield requests
        durations = HistogramMetricFamily("gramex_request_duration_seconds", "Time to answer", None, labels=["handler"])
        for handler, each in self.metrics.durations.items():
            ends = [*map(str, BUCKETS), "+Inf"]
            buckets = list(zip(ends, map(float, accumulate(each.counts)), strict=True))
            durations.add_metric([handler], buckets, each.total)
        yield durations
        reloads = CounterMetricFamily("gramex_reloads", "Reloads of the configuration", None, ["result"])
        for took_effect, count in self.metrics.reloads.items():
            reloads.add_metric(["ok" if took_effect else "failed"], count)
        yield reloads
        for name, (text, value) in self.gauges.items():
            yield GaugeMetricFamily(name, text, value)


def render(metrics: Metrics, gauges: Mapping[str, tuple[str, float]], process: str) -> bytes:
    """Return the answer to a scrape; what the operating system knows of this process is added where it tells."""
    registry = CollectorRegistry()
    registry.register(Figures(metrics, gauges, process))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
