"""The floor: what decoding a picture and running the networks costs, and nothing else.

The runs are the very ones a pipeline made for the picture, recorded once and replayed with the
same inputs, so that the ratio of pipeline to floor is what our own code adds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from perse.networks.session import Session

Run = tuple[Session, Mapping[str, NDArray[Any]]]


@contextmanager
def recorded_runs() -> Iterator[list[Run]]:
    """Collects every network run made inside the block, by any thread."""
    runs: list[Run] = []
    run = Session.run

    def recording(self: Session, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        runs.append((self, {name: value.copy() for name, value in inputs.items()}))
        return run(self, inputs)

    Session.run = recording  # type: ignore[method-assign]
    try:
        yield runs
    finally:
        Session.run = run  # type: ignore[method-assign]


def floor_of(work: Callable[[], object], decodes: list[Callable[[], object]]) -> Callable[[], None]:
    """A function that only decodes and runs the networks as ``work`` does."""
    with recorded_runs() as runs:
        work()

    def floor() -> None:
        for decode in decodes:
            decode()
        for session, inputs in runs:
            session.run(inputs)

    return floor


def median_ms(work: Callable[[], object], rounds: int) -> float:
    return statistics.median(_timed_ms(work) for _ in range(rounds))


def interleaved_medians_ms(
    works: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, float]:
    """Median of each, taken in turn so that a slow moment of the machine meets them all."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(_timed_ms(work))
    return {name: statistics.median(values) for name, values in times.items()}


def _timed_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
