"""Command lines run as from a terminal, in milliseconds each: a process that has loaded the command
line once forks a child for every one."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__)
_LONGEST_S = 120


@dataclass(frozen=True)
class Line:
    """``output``: where stdout goes: kept, or the path of a file, or closed (a pipe that
    nobody reads)."""

    words: Sequence[str]
    folder: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    output: str = "kept"
    says: str = ""


@dataclass(frozen=True)
class Ended:
    """``status``: negative for the signal that ended it."""

    status: int
    stdout: str
    stderr: str


class Terminal:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, line: Line) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(line)), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the terminal ended: {self._process.wait()}"
        return Ended(**json.loads(answer))


@contextmanager
def terminal(*before: str, environment: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """``before``: a program that runs the terminal, such as a recorder."""
    process = subprocess.Popen(
        [*before, sys.executable, "-B", str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        umask=0,
    )
    with process:
        yield Terminal(process)
        assert process.stdin is not None
        process.stdin.close()


# --- inside the process --------------------------------------------------------------------------


def _serve() -> None:
    # Once, for all the children, and what some would load later: conversions need it.
    import onnx  # noqa: F401, PLC0415

    from perse.cli import main  # noqa: PLC0415

    gc.freeze()  # the children share what is loaded
    answers = os.dup(1)
    os.dup2(2, 1)
    for request in sys.stdin:
        line: dict[str, Any] = json.loads(request)
        kept = {number: os.memfd_create(f"output{number}") for number in (1, 2)}
        child = os.fork()
        if child == 0:
            os.close(answers)
            _take_place(line, kept)
            main()
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        ended = Ended(os.waitstatus_to_exitcode(status), *map(_content, kept.values()))
        os.write(answers, (json.dumps(asdict(ended)) + "\n").encode())


def _take_place(line: Mapping[str, Any], kept: Mapping[int, int]) -> None:
    signal.alarm(_LONGEST_S)
    reading, writing = os.pipe()
    os.write(writing, line["says"].encode())
    os.close(writing)
    os.dup2(reading, 0)
    for number, descriptor in kept.items():
        os.dup2(descriptor, number)
    _put_output(line["output"])
    os.environ.clear()
    os.environ.update(line["environment"])
    os.chdir(line["folder"])
    sys.stdin = os.fdopen(0)
    sys.argv = ["perse", *line["words"]]


def _put_output(output: str) -> None:
    if output == "closed":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
    elif output != "kept":
        os.dup2(os.open(output, os.O_WRONLY), 1)


def _content(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    os.close(descriptor)
    return content.decode(errors="replace")


if __name__ == "__main__":
    _serve()
