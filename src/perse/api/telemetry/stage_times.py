"""How long stages take, counted in a tenth of the time that Prometheus' own histogram needs: a
request passes ten and more."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from perse.stages import Stage

_UP_TO_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BOUNDS: Final = (*map(str, _UP_TO_S), "+Inf")


class StageTimes(Collector):
    """A histogram for each stage, from the start. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {stage: [0] * len(_BOUNDS) for stage in Stage}
        self._sums_s = dict.fromkeys(Stage, 0.0)

    def passed(self, stage: Stage, own_s: float) -> None:
        """Count a stage that a request has passed."""
        bucket = bisect_left(_UP_TO_S, own_s)
        with self._lock:
            self._counts[stage][bucket] += 1
            self._sums_s[stage] += own_s

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "perse_stage_seconds",
            "Seconds of a stage of a request each time, without what other stages took within it.",
            labels=("stage",),
        )
        with self._lock:
            for stage, counts in self._counts.items():
                up_to = zip(_BOUNDS, accumulate(counts), strict=True)
                family.add_metric((stage.value,), list(up_to), self._sums_s[stage])
        yield family
