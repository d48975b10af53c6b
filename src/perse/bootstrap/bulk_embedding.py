"""Templates of a source's files, sealed in the database until a report is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

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
        kept = self.bulk.recall(self.tenant_id, self._name(digest))
        return None if kept is None else unpacked(kept)

    def keep(self, digest: str, outcome: Outcome) -> None:
        self.bulk.keep(self.tenant_id, self._name(digest), packed(outcome), at=utc_now())

    def of(self, result: Embedded | Failed) -> Outcome:
        """The outcome that a worker told of. Raises StorageDamaged where it is gone."""
        if isinstance(result, Failed):
            return result
        outcome = self.recall(result.digest)
        if outcome is None:
            raise StorageDamaged(
                "a template that was made has been deleted meanwhile (perse bulk forget, perse "
                "secrets rotate --tenant-keys): run the same command again"
            )
        return outcome

    def _name(self, digest: str) -> str:
        return f"{self.made_with}/{digest}"


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
