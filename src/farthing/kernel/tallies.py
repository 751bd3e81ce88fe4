"""Requests by route and status, and how long they took: counted at a third of what the general way costs."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BOUNDS: Final = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1.0, 2.5, 5.0, 7.5, 10.0)  # seconds
LABELS: Final = (*(str(bound) for bound in BOUNDS), "+Inf")


@dataclass(slots=True)
class Tally:
    """Of one method on one route.

    buckets  how many took no longer than each bound, and more than the one before
    """

    by_status: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    buckets: list[int] = field(default_factory=lambda: [0] * len(LABELS))
    seconds: float = 0.0


class Requests(Collector):
    """The tallies of one process, as Prometheus reads them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            tally = self._tallies[method, route]
            tally.by_status[status] += 1
            tally.buckets[bisect_left(BOUNDS, seconds)] += 1
            tally.seconds += seconds

    def collect(self) -> Iterable[Metric]:
        """Two metrics, each with a line for every route and status that there was."""
        requests = CounterMetricFamily(
            "farthing_requests_total", "Requests answered", labels=["method", "route", "status"]
        )
        seconds = HistogramMetricFamily("farthing_request_seconds", "Time to answer", labels=["method", "route"])
        with self._lock:
            for (method, route), tally in self._tallies.items():
                for status, count in tally.by_status.items():
                    requests.add_metric([method, route, str(status)], count)
                buckets = list(zip(LABELS, accumulate(tally.buckets), strict=True))
                seconds.add_metric([method, route], buckets, tally.seconds)
        return requests, seconds
