from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.bulk.crews import Crew, Threads, Workers
from perse.bulk.items import Item, Part
from perse.bulk.progress import ITEMS_OF_A_PART, go_through
from perse.bulk.sources import Source
from perse.errors import PerseError, StorageUnavailable
from tests.bulk.staff import Kept, ScriptedStaff


def items(count: int) -> list[Item]:
    return [Item(f"p{n % 7}", f"{n}.jpg", f"/people/{n}.jpg") for n in range(count)]


def source(count: int) -> Source:
    return Source("/people", count, 0, lambda: iter(items(count)))


def parts(count: int, size: int = 4) -> list[Part]:
    return list(source(count).parts(size))


def workers(staff: ScriptedStaff, count: int = 2) -> Workers[str]:
    return Workers(staff, count, lambda _: "given up")


def told(crew: Crew[str], given_parts: Sequence[Part]) -> dict[str, str]:
    done: dict[str, str] = {}
    for part, results in crew.work(given_parts):
        for item, result in zip(part, results, strict=True):
            assert item.address not in done
            done[item.address] = result
    return done


def everything(count: int, result: str = "kept") -> dict[str, str]:
    return {item.address: result for item in items(count)}


def test_every_item_is_done_once_and_told_once() -> None:
    kept = Kept()
    assert told(workers(ScriptedStaff(kept.do)), parts(21)) == everything(21)
    assert set(kept.done.values()) == {1}


def test_threads_do_the_same() -> None:
    kept = Kept()
    crew = Threads(lambda part: [kept.do(item) for item in part], count=3)
    assert told(crew, parts(21)) == everything(21)


def test_few_parts_are_on_their_way_however_many_there_are() -> None:
    taken = []

    def endless() -> Iterator[Part]:
        for part in parts(10_000):
            taken.append(part)
            yield part

    staff = ScriptedStaff(Kept().do)
    assert len(list(islice(workers(staff, count=3).work(endless()), 10))) == 10
    assert staff.most_at_once == 6
    assert len(taken) <= 10 + 6 + 1


@given(seed=st.integers(0, 2**32), count=st.integers(0, 40), many=st.integers(1, 4))
def test_whoever_dies_whenever_every_item_is_kept_once_and_told_once(
    seed: int, count: int, many: int
) -> None:
    kept, random = Kept(), Random(seed)
    deaths = iter(range(30))
    staff = ScriptedStaff(
        kept.do,
        dies=lambda _: random.random() < 0.1 and next(deaths, None) is not None,
        chooses=random.choice,
    )
    done = told(workers(staff, many), parts(count))
    assert done.keys() == everything(count).keys()
    assert {address for address, result in done.items() if result == "kept"} <= kept.samples


@given(seed=st.integers(0, 2**32), count=st.integers(1, 60))
def test_a_run_that_is_killed_anywhere_goes_on_to_the_same_end(seed: int, count: int) -> None:
    kept, random = Kept(), Random(seed)
    while len(kept.samples) < count:
        staff = ScriptedStaff(kept.do, dies=lambda _: random.random() < 0.03, chooses=random.choice)
        run = go_through(source(count), workers(staff), kept.undone, lambda _: None)
        list(islice(run, random.randrange(1, count + 1)))
        run.close()  # type: ignore[attr-defined]
        assert staff.alive == set()
    assert kept.samples == everything(count).keys()
    left_out: list[int] = []
    again = go_through(source(count), workers(staff), kept.undone, left_out.append)
    assert list(again) == []
    assert sum(left_out) == count


def test_an_item_that_takes_every_worker_with_it_is_given_up_and_no_other() -> None:
    kept = Kept()
    staff = ScriptedStaff(kept.do, dies=lambda item: item.name == "5.jpg")
    done = told(workers(staff), parts(20))
    assert done == everything(20) | {"/people/5.jpg": "given up"}


@pytest.mark.parametrize(("deaths", "result"), [(3, "kept"), (4, "given up")])
@pytest.mark.parametrize("size", [1, 4])
def test_only_workers_lost_with_nothing_else_count_against_an_item(
    deaths: int, result: str, size: int
) -> None:
    """The first loss is of a worker with two parts, of which either may be at fault."""
    fatal = iter(range(deaths))
    staff = ScriptedStaff(
        Kept().do, dies=lambda item: item.name == "0.jpg" and next(fatal, None) is not None
    )
    assert told(workers(staff, 1), parts(8, size)) == everything(8) | {"/people/0.jpg": result}


def test_who_cannot_begin_is_replaced_a_few_times() -> None:
    begins = iter([False, False, True])
    staff = ScriptedStaff(Kept().do, born=lambda: next(begins, True))
    assert told(workers(staff), parts(8)) == everything(8)
    with pytest.raises(PerseError, match="5 workers in a row"):
        told(workers(ScriptedStaff(Kept().do, born=lambda: False)), parts(8))


def test_an_error_that_is_nobodys_fault_ends_it_and_sends_everybody_home() -> None:
    def full(_: Item) -> str:
        raise StorageUnavailable("the disk is full")

    staff = ScriptedStaff(full)
    with pytest.raises(StorageUnavailable):
        told(workers(staff), parts(100))
    assert staff.alive == set()


def test_nobody_is_hired_where_there_is_nothing_to_do() -> None:
    staff = ScriptedStaff(Kept().do)
    assert told(workers(staff), []) == {}
    assert staff.count == 0


def test_parts_are_cut_from_what_is_left() -> None:
    kept = Kept()
    for item in items(30)[::2]:
        kept.do(item)
    sizes = []

    def do(part: Part) -> list[str]:
        sizes.append(len(part))
        return [kept.do(item) for item in part]

    told_of = list(go_through(source(30), Threads(do, 1), kept.undone, lambda _: None))
    assert [item for item, _ in told_of] == items(30)[1::2]
    assert sizes == [ITEMS_OF_A_PART, 15 - ITEMS_OF_A_PART]
