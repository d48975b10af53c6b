"""The metrics of several processes as those of one server.

Once a second each posts what it has counted, and whoever is asked adds it all up: a request costs
nothing, and a counter never falls. A process that takes over the slot of one that has ended goes
on counting where that one was, and until then the slot is counted as it was left.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perse.api.telemetry.board import Board

# What is the same for all, or adds up to nothing: the largest is told.
_FACTS: Final = frozenset(
    {
        "perse",
        "perse_model",
        "perse_search_behind_seconds",
        "python_info",
        "process_start_time_seconds",
        "process_max_fds",
    }
)
# What outlives whoever counted it.
_LASTING: Final = frozenset({"counter", "histogram"})
_WHEN_FIRST_COUNTED: Final = "_created"

_Labels = tuple[tuple[str, str], ...]


class _Family(NamedTuple):
    type: str
    documentation: str
    samples: dict[tuple[str, _Labels], float]


_Families = dict[str, _Family]


class Totals(Collector):
    """All that the processes of a board have counted, this one's own as of now."""

    def __init__(self, registry: CollectorRegistry, board: Board) -> None:
        self._registry = registry
        self._board = board
        self._before = _lasting(_read(board.before))
        self._posting = threading.Lock()

    def post(self) -> None:
        """Let the other processes know."""
        with self._posting:  # nothing older after what is newer
            self._board.post(_written(self._own()))

    def collect(self) -> Iterator[Metric]:
        others = [
            families if alive else _lasting(families)
            for families, alive in ((_read(post), alive) for post, alive in self._board.others())
        ]
        for name, family in _sum([self._own(), *others]).items():
            metric = Metric(name, family.documentation, family.type)
            for (sample, labels), value in family.samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric

    def _own(self) -> _Families:
        return _sum([self._before, _collected(self._registry)])


def _collected(registry: CollectorRegistry) -> _Families:
    return {
        metric.name: _Family(
            metric.type,
            metric.documentation,
            {
                (sample.name, tuple(sample.labels.items())): float(sample.value)
                for sample in metric.samples
                if not sample.name.endswith(_WHEN_FIRST_COUNTED)
            },
        )
        for metric in registry.collect()
    }


def _sum(parts: Iterable[_Families]) -> _Families:
    total: _Families = {}
    for families in parts:
        for name, family in families.items():
            kept = total.setdefault(name, _Family(family.type, family.documentation, {})).samples
            for key, value in family.samples.items():
                before = kept.get(key, 0.0)
                kept[key] = max(before, value) if name in _FACTS else before + value
    return total


def _lasting(families: _Families) -> _Families:
    return {name: family for name, family in families.items() if family.type in _LASTING}


def _written(families: _Families) -> bytes:
    return json.dumps(
        {
            name: [
                kind,
                text,
                [[sample, labels, value] for (sample, labels), value in rows.items()],
            ]
            for name, (kind, text, rows) in families.items()
        }
    ).encode()


def _read(post: bytes) -> _Families:
    return {
        name: _Family(
            kind,
            text,
            {(sample, tuple(map(tuple, labels))): value for sample, labels, value in rows},
        )
        for name, (kind, text, rows) in json.loads(post or b"{}").items()
    }
