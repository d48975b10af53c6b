"""What bulk work costs beside an import, and how it grows with workers of a Ray on this machine.

    python -m benchmarks.bulk FOLDER --weights DATA_DIR [--pictures 300] [--workers 1 2 4]

FOLDER holds a folder per person. The same pictures are enrolled into empty databases (SQLite) by
``perse subjects import``, by threads of ``perse bulk enrol``, and by each number of workers, who
have opened their networks before. A part of the pictures is done in turn by each, so that other
work on the machine falls on all alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from perse.auth.api_keys import ApiKeys
from perse.bootstrap.bulk import Installation, Terms, assignment, open_elsewhere
from perse.bootstrap.bulk_enrolment import enrolling, file_of, given_up
from perse.bootstrap.shares import usable_cores
from perse.bootstrap.storage import open_storage
from perse.bootstrap.subject_commands import opened_import
from perse.bootstrap.weights import obtain_networks
from perse.bulk.cluster_staff import BulkWorker, ClusterStaff
from perse.bulk.crews import Crew, Task, Threads, WorkerId, Workers
from perse.bulk.items import Item, Part
from perse.bulk.progress import ITEMS_OF_A_PART
from perse.bulk.sources import read_source
from perse.cluster.connection import Berth, Cluster, connect
from perse.crew import work_through
from perse.domain.consent import Declaration
from perse.evaluation.sample_files import PICTURES
from perse.settings import load_settings

Do = Callable[[Sequence[Item]], object]


def main() -> None:
    given = _arguments()
    source = read_source(str(given.folder), PICTURES)
    items = list(islice(source.items(), given.pictures))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        ways: dict[str, Do] = {}
        homes = iter(range(99))

        def home() -> tuple[Installation, Terms]:
            made = _installation(Path(folder) / str(next(homes)), given.weights)
            return opened.enter_context(made)

        ways["subjects import"] = opened.enter_context(_import(*home()))
        ways["bulk, threads"] = opened.enter_context(_threads(*home()))
        cluster = opened.enter_context(closing(connect("local", namespace="benchmark")))
        for count in given.workers:
            ways[f"bulk, {count} workers"] = _workers(cluster, count, *home())
        _measure(items, ways)


def _measure(items: Sequence[Item], ways: dict[str, Do]) -> None:
    """Parts in turn; the first warms everybody and is not counted."""
    part = max(ITEMS_OF_A_PART * 8, len(items) // 4)
    seconds, cpu_s = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0)
    for first in range(0, len(items), part):
        for name, do in ways.items():
            started, used = time.perf_counter(), _used_s()
            do(items[first : first + part])
            if first:
                seconds[name] += time.perf_counter() - started
                cpu_s[name] += _used_s() - used
    count = len(items) - part
    print(
        f"{date.today()}  {platform.machine()}, {usable_cores()} of {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.0f}, Python {platform.python_version()}; {count} pictures\n"
    )
    alone = cpu_s["subjects import"]
    for name, taken in seconds.items():
        print(
            f"{name:<20}{count / taken:7.1f} pictures a second{1000 * cpu_s[name] / count:8.1f} ms "
            f"of processor time each, {cpu_s[name] / alone:.2f} times the import's"
        )


def _used_s() -> float:
    """Processor time of this process and of all that it started, Ray's own included."""
    mine = psutil.Process()
    times = [it.cpu_times() for it in (mine, *mine.children(recursive=True)) if it.is_running()]
    return float(sum(it.user + it.system for it in times))


@contextmanager
def _installation(data: Path, weights: Path) -> Iterator[tuple[Installation, Terms]]:
    data.mkdir()
    (data / "weights").symlink_to((weights / "weights").absolute())
    settings = load_settings(data_dir=data, offline=True, enrolment_gate="contract")
    with open_storage(settings) as storage:
        key, _ = ApiKeys(storage.keys).create("benchmark")
        terms = Terms(key.caller, Declaration.GIVEN)
        yield Installation(settings, obtain_networks(settings), storage), terms


@contextmanager
def _import(home: Installation, terms: Terms) -> Iterator[Do]:
    with opened_import(home.settings, home.on_disk, frozenset()) as import_file:

        def one(item: Item) -> object:
            return import_file(terms.caller, file_of(item), Declaration.GIVEN)

        yield lambda items: list(work_through(items, one, workers=usable_cores(), name="benchmark"))


@contextmanager
def _threads(home: Installation, terms: Terms) -> Iterator[Do]:
    with enrolling(home, terms) as do:
        yield partial(_all, Threads(do, usable_cores()))


def _workers(cluster: Cluster, count: int, home: Installation, terms: Terms) -> Do:
    told = assignment(terms, home, here=True)
    open_work: Any = partial(open_elsewhere, enrolling, told)
    staff = _Staying(lambda: cluster.actor(BulkWorker, open_work, berth=Berth(cpus=0)))
    hired = [staff.hire() for _ in range(count)]
    for worker, opening in hired:
        staff.result(opening)
        staff.dismiss(worker)
    return partial(_all, Workers(staff, count, given_up))


class _Staying(ClusterStaff[Any]):
    """Whose workers stay from one measurement to the next."""

    def __init__(self, start: Callable[[], Any]) -> None:
        super().__init__(start)
        self._free: list[WorkerId] = []

    def hire(self) -> tuple[WorkerId, Task]:
        if not self._free:
            return super().hire()
        worker = self._free.pop()
        return worker, self.begin(worker, [])

    def dismiss(self, worker: WorkerId) -> None:
        self._free.append(worker)


def _all(crew: Crew[Any], items: Sequence[Item]) -> None:
    parts: Iterator[Part] = (
        items[first : first + ITEMS_OF_A_PART] for first in range(0, len(items), ITEMS_OF_A_PART)
    )
    done = sum(len(part) for part, _ in crew.work(parts))
    if done != len(items):
        raise SystemExit(f"only {done} of {len(items)} were done")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="a data folder with weights")
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    return parser.parse_args()


if __name__ == "__main__":
    main()
