"""What work says of itself, and who hears it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from perse.stages import (
    Passage,
    Stage,
    carried,
    during,
    heard_by,
    tell_detail,
    waited_since,
    wants_details,
)


@dataclass
class Listener:
    wants_details: bool = True
    heard: list[Passage] = field(default_factory=list)

    def passed(self, passage: Passage) -> None:
        self.heard.append(passage)

    @property
    def stages(self) -> list[Stage]:
        return [it.stage for it in self.heard]


def work() -> str:
    with during(Stage.COMPARE):
        with during(Stage.STORE):
            pass
        return "done"


def test_work_that_nobody_hears_is_done_all_the_same() -> None:
    assert work() == "done"
    assert carried(work)() == "done"
    assert not wants_details()


def test_who_listens_hears_every_stage_as_it_ends_and_nothing_afterwards() -> None:
    listener = Listener()
    with heard_by(listener):
        work()
    work()
    assert listener.stages == [Stage.STORE, Stage.COMPARE]


def test_the_time_of_a_part_is_not_its_wholes_own() -> None:
    listener = Listener()
    with heard_by(listener):
        work()
    store, compare = listener.heard
    assert store.within is compare
    assert compare.began_s <= store.began_s <= store.ended_s <= compare.ended_s
    assert compare.inner_s == store.ended_s - store.began_s
    assert compare.own_s == compare.ended_s - compare.began_s - compare.inner_s
    assert store.own_s == store.ended_s - store.began_s


def test_two_requests_are_heard_apart_whatever_thread_does_their_work() -> None:
    first, second = Listener(), Listener()
    with ThreadPoolExecutor(1) as pool:
        with heard_by(first):
            one = pool.submit(carried(work))
        with heard_by(second):
            other = pool.submit(carried(lambda: waited_since(0.0)))
        assert (one.result(), other.result()) == ("done", None)
    assert first.stages == [Stage.STORE, Stage.COMPARE]
    assert second.stages == [Stage.QUEUE]


def test_work_on_a_thread_is_a_part_of_the_stage_that_began_it() -> None:
    listener = Listener()
    with ThreadPoolExecutor(1) as pool, heard_by(listener), during(Stage.STORE):
        pool.submit(carried(work)).result()
    assert listener.stages == [Stage.STORE, Stage.COMPARE, Stage.STORE]
    assert listener.heard[1].within is listener.heard[2]


def test_a_stage_ends_when_its_work_fails() -> None:
    listener = Listener()
    with heard_by(listener):
        try:
            with during(Stage.DECODE):
                raise ValueError
        except ValueError:
            pass
        with during(Stage.DETECT):
            pass
    assert listener.stages == [Stage.DECODE, Stage.DETECT]
    assert listener.heard[1].within is None


@contextmanager
def transaction() -> Iterator[None]:
    with during(Stage.STORE):
        yield


def test_a_generator_that_goes_on_in_another_thread_ends_its_stage() -> None:
    def rows() -> Iterator[int]:
        with transaction():
            yield from (1, 2)

    listener = Listener()
    with ThreadPoolExecutor(1) as pool, heard_by(listener):
        reading = rows()
        assert [pool.submit(carried(lambda: next(reading, 0))).result() for _ in "123"] == [1, 2, 0]
        work()
    assert listener.stages == [Stage.STORE, Stage.STORE, Stage.COMPARE]
    assert listener.heard[2].within is None


def test_a_detail_belongs_to_its_stage_and_takes_none_of_its_time() -> None:
    listener = Listener()
    with heard_by(listener), during(Stage.STORE):
        tell_detail("SELECT 1", began_s=0.0)
    detail, store = listener.heard
    assert (detail.detail, detail.stage, detail.within) == ("SELECT 1", Stage.STORE, store)
    assert store.inner_s == 0.0
