"""Many things to be done, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # for each worker: one that it does and one to go on with


def work_through(
    items: Iterable[Item], work: Callable[[Item], Result], *, workers: int, name: str
) -> Iterator[tuple[int, Result]]:
    """The number of an item and what ``work`` made of it, in the order in which they are done.
    Items are taken when somebody is free for them.

    The first error ends it, and so does whoever stops listening: what has begun is finished, the
    rest is not begun. ``name``: of the threads.
    """
    numbered = enumerate(items)
    waiting: dict[Future[Result], int] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix=name) as pool:
        try:
            while True:
                for number, item in islice(numbered, workers * _AHEAD - len(waiting)):
                    waiting[pool.submit(work, item)] = number
                if not waiting:
                    return
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(done), done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
