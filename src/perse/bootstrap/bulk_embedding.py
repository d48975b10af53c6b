"""Templates of a source's files, sealed in the database until a report is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

from perse.auth.api_keys import utc_now
from perse.bootstrap.bulk import Installation, Terms
from perse.bootstrap.evaluation import Evaluated, evaluated
from perse.bulk.crews import Work
from perse.bulk.files import LARGEST_FILE_BYTES, read
from perse.bulk.items import Item, Part
from perse.domain.access import TenantId
from perse.errors import StorageDamaged
from perse.evaluation.acquisition import AcquireOne, Failed, Outcome
from perse.evaluation.local_points import Kind
from perse.evaluation.sample_cache import packed, unpacked
from perse.storage.bulk import SqlBulk

_ROWS_AT_A_TIME = 400


@dataclass(frozen=True, slots=True)
class Embedded:
    """The template is in the database. ``digest``: SHA-256 of the file that it is of."""

    digest: str


@dataclass(frozen=True, slots=True)
class SealedOutcomes:
    """A tenant's, by the SHA-256 of the file's content. ``made_with``: the networks and the
    version of the pipelines."""

    bulk: SqlBulk
    tenant_id: TenantId
    made_with: str

    def recall(self, digest: str) -> Outcome | None:
        """Raises StorageDamaged."""
        return self._recalled([digest]).get(digest)

    def keep(self, digest: str, outcome: Outcome) -> None:
        self.bulk.keep(self.tenant_id, self._name(digest), packed(outcome), at=utc_now())

    def of(self, results: Iterable[Embedded | Failed]) -> Iterator[Outcome]:
        """The outcomes that workers told of, in order. Raises StorageDamaged where one is gone."""
        following = iter(results)
        while some := list(islice(following, _ROWS_AT_A_TIME)):
            kept = self._recalled([it.digest for it in some if isinstance(it, Embedded)])
            for it in some:
                yield it if isinstance(it, Failed) else _there(kept.get(it.digest))

    def _recalled(self, digests: Sequence[str]) -> Mapping[str, Outcome]:
        names = {self._name(digest): digest for digest in digests}
        kept = self.bulk.recall(self.tenant_id, list(names))
        return {names[name]: unpacked(outcome) for name, outcome in kept.items()}

    def _name(self, digest: str) -> str:
        return f"{self.made_with}/{digest}"


def _there(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise StorageDamaged(
            "a template that was made has been deleted meanwhile (perse bulk forget, perse "
            "secrets rotate --tenant-keys): run the same command again"
        )
    return outcome


def outcomes_of(installation: Installation, terms: Terms, pipeline: Evaluated) -> SealedOutcomes:
    """Where workers keep what they make, and the command finds it."""
    bulk = installation.storage.bulk
    return SealedOutcomes(bulk, terms.caller.tenant_id, pipeline.cache_name)


@contextmanager
def embedding(
    kind: Kind, installation: Installation, terms: Terms
) -> Iterator[Work[Embedded | Failed]]:
    """Makes templates of items as an evaluation does, and keeps each sealed. What is kept already
    is read, and not made again."""
    pipeline = evaluated(kind, installation.settings, installation.on_disk)
    one = AcquireOne(pipeline.acquire, outcomes_of(installation, terms, pipeline))

    def embedded(part: Part) -> list[Embedded | Failed]:
        return [_embedded(one, item) for item in part]

    yield embedded


def _embedded(one: AcquireOne, item: Item) -> Embedded | Failed:
    digest, outcome = one(partial(read, item.address, most_bytes=LARGEST_FILE_BYTES))
    return outcome if isinstance(outcome, Failed) else Embedded(digest)


def not_embedded(item: Item) -> Failed:
    """What becomes of an item that takes one worker after the other with it."""
    return Failed("worker_lost", f"several workers were lost with {item.name}, with nothing else")
