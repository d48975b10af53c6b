"""From files to templates and measures, through the pipelines that serve; nothing is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perse.crew import work_through
from perse.errors import InputError, SampleError
from perse.evaluation.sample_files import SampleFile


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """``vector``: the template (unit vector, float32). ``measures``: quality by name, in the units
    that the name says. ``pad``: PAD score 0..1, None where the pack has no attack detector."""

    vector: NDArray[np.float32]
    measures: Mapping[str, float]
    pad: float | None = None

    def __repr__(self) -> str:
        return f"Acquired({len(self.vector)} values)"


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that gave no template: the error's code and what it said."""

    code: str
    message: str


Outcome = Acquired | Failed
Acquire = Callable[[bytes], Acquired]


class Memory(Protocol):
    """Keeps outcomes by the SHA-256 of the file's content."""

    def recall(self, digest: str) -> Outcome | None: ...

    def keep(self, digest: str, outcome: Outcome) -> None: ...


def _ignore(_file: SampleFile) -> None:
    return None


@dataclass(frozen=True, slots=True)
class AcquireOne:
    """Runs ``acquire`` on a file's content, which ``read`` gives, unless ``memory`` has its
    outcome. Content that the pipelines refuse, and a file that cannot be read, become
    ``Failed``."""

    acquire: Acquire
    memory: Memory | None = None

    def __call__(self, read: Callable[[], bytes]) -> tuple[str, Outcome]:
        """The name in ``memory``, "" for what is not kept there, and the outcome."""
        try:
            content = read()
        except OSError as error:
            return "", Failed("unreadable", f"the file cannot be read: {error.strerror}")
        except InputError as error:
            return "", Failed(error.code, error.message)
        digest = hashlib.sha256(content).hexdigest()
        known = self.memory.recall(digest) if self.memory else None
        if known is not None:
            return digest, known
        outcome = self._run(content)
        if self.memory:
            self.memory.keep(digest, outcome)
        return digest, outcome

    def _run(self, content: bytes) -> Outcome:
        try:
            return self.acquire(content)
        except (InputError, SampleError) as error:
            return Failed(error.code, error.message)


@dataclass(frozen=True, slots=True)
class AcquireAll:
    """The same for every file, ``workers`` at a time.

    An error of the set-up, and an interrupt, end the run; outcomes up to then stay in ``memory``.
    """

    acquire: Acquire
    memory: Memory | None = None
    workers: int = 1

    def __call__(
        self, files: Sequence[SampleFile], on_done: Callable[[SampleFile], None] = _ignore
    ) -> list[Outcome]:
        """One outcome per file, in order. ``on_done`` hears of each on the calling thread."""
        outcomes: dict[int, Outcome] = {}
        one = AcquireOne(self.acquire, self.memory)
        reading = [file.path.read_bytes for file in files]
        done = work_through(reading, one, workers=self.workers, name="perse-evaluate")
        for number, (_, outcome) in done:
            outcomes[number] = outcome
            on_done(files[number])
        return [outcomes[number] for number in range(len(files))]
