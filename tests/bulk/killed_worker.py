"""Enrol a folder on a Ray of this machine, one of whose workers is killed after it has kept a part
and before it could tell:

    python -m tests.bulk.killed_worker DATA PEOPLE

Prints what became of each file, and how much of Ray's object store was in use at the end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from perse.bootstrap.bulk import Installation, Terms, assignment, open_elsewhere
from perse.bootstrap.bulk_crews import Hands, opened_crew
from perse.bootstrap.bulk_enrolment import enrolling, given_up, not_yet_enrolled
from perse.bootstrap.storage import open_storage
from perse.bootstrap.weights import obtain_networks
from perse.bulk.crews import Work
from perse.bulk.items import Part
from perse.bulk.progress import go_through
from perse.bulk.sources import read_source
from perse.cli.callers import caller_named
from perse.domain.consent import Declaration
from perse.pipelines.subject_import import Imported, Outcome
from perse.settings import load_settings


@contextmanager
def dying(killed: Path, installation: Installation, terms: Terms) -> Iterator[Work[Outcome]]:
    with enrolling(installation, terms) as do:

        def work(part: Part) -> list[Outcome]:
            kept = list(do(part))
            if not killed.exists():
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return kept

        yield work


def main(data: Path, people: str) -> None:
    settings = load_settings(data_dir=data, offline=True)
    terms = Terms(caller_named(settings, None), Declaration.GIVEN)
    source = read_source(people, frozenset({".jpg", ".png"}))
    with open_storage(settings) as storage:
        installation = Installation(settings, obtain_networks(settings), storage)
        opened = partial(dying, data / "killed")
        told = assignment(terms, installation, here=True)
        hands = Hands(opened(installation, terms), partial(open_elsewhere, opened, told), given_up)
        undone = partial(not_yet_enrolled, storage, terms.caller)
        with opened_crew(hands, "local", 2) as crew:
            became = {
                item.name: "kept" if isinstance(outcome, Imported) else outcome.code
                for item, outcome in go_through(source, crew, undone, lambda _: None)
            }
            sys.stdout.write(json.dumps({"became": became, "stored_bytes": _stored_bytes()}) + "\n")


def _stored_bytes() -> float:
    import ray  # noqa: PLC0415 - it decides at its import whom it lets in

    whole, left = ray.cluster_resources(), ray.available_resources()
    return float(whole["object_store_memory"] - left["object_store_memory"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
