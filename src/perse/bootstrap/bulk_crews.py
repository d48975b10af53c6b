"""Who does bulk work: threads of this process, or workers on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from perse.bootstrap.shares import usable_cores
from perse.bulk.cluster_staff import BulkWorker, ClusterStaff
from perse.bulk.crews import Crew, Threads, Work, Workers
from perse.bulk.items import Item
from perse.cluster.connection import Berth, connect
from perse.cluster.security import LOCAL

Result = TypeVar("Result")


@dataclass(frozen=True)
class Hands(Generic[Result]):
    """Three ways to the same: ``here`` in this process, ``there`` in a worker's, and what is said
    of an item that no worker outlives."""

    here: AbstractContextManager[Work[Result]]
    there: Callable[[], Work[Result]]
    given_up: Callable[[Item], Result]


@contextmanager
def opened_crew(
    hands: Hands[Result], address: str | None, workers: int | None
) -> Iterator[Crew[Result]]:
    """``address``: of the cluster's head; None = threads here, local = a cluster of this machine
    alone. ``workers``: None = as many as there are cores. Raises SettingsInvalid,
    ClusterUnavailable."""
    if address is None:
        with hands.here as do:
            yield Threads(do, workers or usable_cores())
        return
    with closing(connect(address, namespace="perse-bulk")) as cluster:
        cores = usable_cores() if address == LOCAL else int(cluster.cpus)
        berth = Berth(cpus=0 if address == LOCAL else 1)  # here there may be more than cores
        staff: ClusterStaff[Result] = ClusterStaff(
            lambda: cluster.actor(BulkWorker, hands.there, berth=berth)
        )
        yield Workers(staff, workers or max(1, cores), hands.given_up)
