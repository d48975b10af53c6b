"""Calls that a cluster keeps waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from perse.cluster.control_thread import ControlThread
from perse.errors import ClusterUnavailable

LONG_S = 60.0


class Head:
    """A head node that answers when it is let, and counts who asks."""

    def __init__(self) -> None:
        self.answers, self.answered, self.asked = threading.Event(), threading.Event(), 0

    def connect(self) -> str:
        self.asked += 1
        self.answers.wait(LONG_S)
        self.answered.set()
        return "connected"


@pytest.fixture
def head() -> Iterator[Head]:
    head = Head()
    yield head
    head.answers.set()


def refused(control: ControlThread, work: Callable[[], object], most_s: float = LONG_S) -> None:
    with pytest.raises(ClusterUnavailable, match="does not answer"):
        control.within(most_s, work, purpose="connect")


def its_threads() -> int:
    return sum(it.name == "perse-cluster" for it in threading.enumerate())


def settled(control: ControlThread, head: Head) -> None:
    """What was stuck has ended, and its thread with it."""
    head.answers.set()
    assert head.answered.wait(LONG_S)
    late = control._late
    assert late is not None
    late.done.exception(LONG_S)


def test_a_call_answers_or_raises_what_it_raised() -> None:
    control = ControlThread()
    assert control.within(LONG_S, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        control.within(LONG_S, lambda: 1 / 0)
    assert control.within(LONG_S, lambda: 8) == 8


def test_while_one_is_stuck_the_others_are_refused_at_once_and_no_thread_is_added(
    head: Head,
) -> None:
    control = ControlThread()
    refused(control, head.connect, most_s=0.01)
    threads = its_threads()
    for _ in range(10):
        refused(control, head.connect)
    assert head.asked == 1
    assert its_threads() == threads


def test_a_connection_that_was_made_too_late_is_taken_by_the_next_who_connects(head: Head) -> None:
    control = ControlThread()
    refused(control, head.connect, most_s=0.01)
    settled(control, head)
    assert control.within(LONG_S, head.connect, purpose="connect") == "connected"
    assert head.asked == 1
    assert control.within(LONG_S, head.connect, purpose="connect") == "connected"
    assert head.asked == 2


def test_a_late_answer_to_something_else_is_dropped(head: Head) -> None:
    control = ControlThread()
    refused(control, head.connect, most_s=0.01)
    settled(control, head)
    assert control.within(LONG_S, lambda: "an actor") == "an actor"


def test_what_failed_too_late_is_tried_again(head: Head) -> None:
    def fail() -> None:
        head.connect()
        raise OSError

    control = ControlThread()
    refused(control, fail, most_s=0.01)
    settled(control, head)
    assert control.within(LONG_S, head.connect, purpose="connect") == "connected"


def test_a_time_out_of_the_call_itself_is_its_own() -> None:
    def give_up() -> None:
        raise TimeoutError("of Ray")

    with pytest.raises(TimeoutError, match="of Ray"):
        ControlThread().within(LONG_S, give_up)
