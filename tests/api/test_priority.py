"""Threads that compute stand behind those that answer, where the system knows such a thing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from perse.api.server.priority import FURTHER_STEPS, STEPS, step_back
from perse.media.image_decoder import ImageSize
from tests.fakes.faces import FakeFaces, picture
from tests.fakes.services import FakeServices, settings
from tests.served import serving

LINUX_ONLY = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has priorities of threads"
)
LAST = 19


def _steps_behind() -> int:
    """Of this thread behind the process's first."""
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    return own - os.getpriority(os.PRIO_PROCESS, os.getpid())


def _on_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@LINUX_ONLY
def test_a_detection_computes_behind_the_threads_that_answer() -> None:
    computing: list[int] = []
    faces = FakeFaces(before=lambda: computing.append(_steps_behind()))
    with serving(FakeServices(settings(workers=2), faces=faces)) as served:
        with served.client() as client:
            answer = client.post("/v0/face/detect", files={"image_file": picture()})
        assert answer.status_code == 200
        threads = (int(task.name) for task in Path("/proc/self/task").iterdir())
        usual = os.getpriority(os.PRIO_PROCESS, os.getpid())
        behind = {os.getpriority(os.PRIO_PROCESS, thread) - usual for thread in threads}
    assert computing == [STEPS]
    assert behind == {0, STEPS}


@LINUX_ONLY
def test_what_takes_long_computes_behind_what_is_quick() -> None:
    computing: list[int] = []
    faces = FakeFaces(
        before=lambda: computing.append(_steps_behind()),
        sizes={picture(): ImageSize(40_000_000, 400_000_000)},
    )
    with (
        serving(FakeServices(settings(workers=2), faces=faces)) as served,
        served.client() as client,
    ):
        for content in (picture(), picture(2), picture()):
            client.post("/v0/face/detect", files={"image_file": content}).raise_for_status()
    assert computing == [FURTHER_STEPS, STEPS, FURTHER_STEPS]


@LINUX_ONLY
def test_a_thread_started_by_one_that_stepped_back_steps_back_no_further() -> None:
    seen: list[int] = []

    def inner() -> None:
        step_back()
        seen.append(_steps_behind())

    def outer() -> None:
        step_back()
        _on_a_thread(inner)

    _on_a_thread(outer)
    assert seen == [STEPS]


@LINUX_ONLY
def test_who_is_last_already_stays_so() -> None:
    program = (
        "import os, threading\n"
        f"os.setpriority(os.PRIO_PROCESS, 0, {LAST})\n"
        "from perse.api.server.priority import step_back\n"
        "def work():\n"
        "    step_back()\n"
        "    print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(told.stdout) == LAST
