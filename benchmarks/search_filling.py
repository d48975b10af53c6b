"""A server's index, filled from sealed storage: seconds, memory, and what a search costs then.

Run by ``python -m benchmarks.identification --filling``.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import psutil

from benchmarks.enrolment import fill as enrol
from benchmarks.enrolment import reference_of
from perse.auth.api_keys import ApiKeys, utc_now
from perse.domain.access import Caller
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, Template, UserToken, new_user_token
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.search.live_index import LiveIndex
from perse.search.measured import Measured
from perse.search.sources import Searched
from perse.storage.storage import MasterKeyChoice, Storage, open_storage

_POINTS = SimilarityScale([OperatingPoint(1e-2, 0.2), OperatingPoint(1e-5, 0.45)])
_SCALE = ResemblanceScale(_POINTS)
_TARGET = 1_000_000


class _NoSigner:
    """Nothing is destroyed here."""

    def sign(self, claims: Mapping[str, object]) -> str:
        return str(claims)

    def verify(self, jws: str) -> Mapping[str, object]:
        return {"signed": jws}


def show_filling(count: int, values: int, database: str | None) -> None:
    """Of so many users with one sample each, in a database made for it."""
    with tempfile.TemporaryDirectory() as folder:
        url = database or f"sqlite:///{folder}/perse.db"
        key_file = MasterKeyChoice(Path(folder) / "master.key")
        with open_storage(url, master_key=key_file, signer=_NoSigner()) as storage:
            key, _ = ApiKeys(storage.keys).create("benchmark")
            tokens = enrol(storage, key.caller, count, values=values)
            _measure(storage, key.caller, tokens)


def _measure(storage: Storage, caller: Caller, tokens: list[UserToken]) -> None:
    template = storage.references.find(caller.tenant_id, tokens[-1]).template
    searched = Searched(caller.tenant_id, Modality.FACE, _measured(template.model))
    before = _resident_bytes()
    index = LiveIndex(searched, storage.subject_feed, threading.Event())
    began_s = time.process_time()
    seconds = _timed(index.fill)
    own_s, count = time.process_time() - began_s, index.templates
    print(f"{storage.database.kind}, {count:,} templates of {len(template.vector)} values: filled "
          f"in {seconds:.1f} s, {1e6 * seconds / count:.0f} microseconds each; a million, "
          f"extrapolated: {seconds * _TARGET / count:.0f} s; {1e6 * own_s / count:.0f} "
          "microseconds of this process's processor time each")  # fmt: skip
    print(f"  memory: {index.bytes_held / count:.0f} bytes a template, by the process's own "
          f"{(_resident_bytes() - before) / count:.0f}")  # fmt: skip
    show("a search that finds one", lambda: _search(index, template))
    show("the check that nothing has changed", index.refresh)
    stranger = Template.of(-template.vector, template.model)
    show("a search that finds nobody", lambda: _search(index, stranger))
    taken = [
        _enrolled_and_searched(storage, caller, index, len(template.vector)) for _ in range(50)
    ]
    print(f"  {'one more enrolled, then a search that finds them':50}"
          f"{1000 * statistics.median(taken):8.2f} ms")  # fmt: skip


def _measured(model: ModelName) -> Measured:
    return Measured(model, SearchClaims(_POINTS, lowest_fmr=1e-5))


def _search(index: LiveIndex, probe: Template) -> int:
    return len(index.identify(FaceLikeness(probe, _SCALE), SearchTerms()).candidates)


def _enrolled_and_searched(
    storage: Storage, caller: Caller, index: LiveIndex, values: int
) -> float:
    """Seconds of the search alone."""
    features = np.random.default_rng().normal(size=values).astype(np.float32)
    made = reference_of(new_user_token(), features)
    entry = ConsentEntry(
        utc_now(), caller.tenant_id, caller.key_id, Processing.ENROL, Declaration.GIVEN
    )
    storage.references.add(made, entry=entry)
    started = time.perf_counter()
    assert _search(index, made.template) == 1
    return time.perf_counter() - started


def show(name: str, work: Callable[[], object], rounds: int = 50) -> None:
    work()
    taken = [_timed(work) for _ in range(rounds)]
    print(f"  {name:50}{1000 * statistics.median(taken):8.2f} ms")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)
