"""Subjects of whom nobody keeps anything: each is computed from its number, whenever it is read."""

# ruff: noqa: ARG002 - asked in the words of any feed
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from perse.domain.access import TenantId
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    Template,
    UserToken,
)
from perse.domain.samples import ModelName
from perse.domain.subjects import ChangedSubjects, EnrolledSubject
from perse.domain.token_ranges import TokenRange

NET, TENANT = ModelName("made-up"), TenantId("made-up")
_PAGE = 1000
_SPREAD = 0x9E3779B97F4A7C15  # odd, so that no two numbers get the same token
_THEN = datetime(2026, 1, 1, tzinfo=UTC)


def token_of(number: int) -> UserToken:
    """Spread over all tokens, as random ones are."""
    text = f"{number * _SPREAD % 2**64:016x}{number:016x}"
    return UserToken(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def number_of(token: UserToken) -> int:
    return UUID(token).int % 2**64


@lru_cache(maxsize=4)
def vectors_of(page: int, values: int) -> NDArray[np.float32]:
    """A thousand unit vectors."""
    drawn = np.random.default_rng(page).standard_normal((_PAGE, values), np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


@dataclass(frozen=True)
class MadeUpFeed:
    """SubjectFeed of ``count`` subjects with one face each, who never change."""

    count: int
    values: int
    among: TokenRange | None = None

    def within(self, among: TokenRange) -> Self:
        return replace(self, among=among)

    def revisions(self) -> Mapping[TenantId, int]:
        return {TENANT: 1}

    def revision(self, tenant_id: TenantId) -> int:
        return 1

    def changes(self, tenant_id: TenantId, *, since: int) -> ChangedSubjects:
        return ChangedSubjects(1, frozenset())

    def total(self, tenant_id: TenantId, modality: Modality | None = None) -> int:
        return self.count // (self.among.parts if self.among else 1)

    def read(
        self,
        tenant_id: TenantId,
        user_tokens: Iterable[UserToken],
        modality: Modality | None = None,
    ) -> Sequence[EnrolledSubject]:
        return [self._subject(number_of(it)) for it in user_tokens]

    def read_after(
        self, tenant_id: TenantId, position: int, *, limit: int, modality: Modality | None = None
    ) -> Sequence[EnrolledSubject]:
        """``limit`` of all, of whom those of the part are told."""
        found: list[EnrolledSubject] = []
        while not found and position < self.count:
            numbers = np.arange(position, min(position + limit, self.count), dtype=np.uint64)
            found = [self._subject(it) for it in self._mine(numbers).tolist()]
            position += len(numbers)
        return found

    def _mine(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        if self.among is None:
            return numbers
        groups = numbers * np.uint64(_SPREAD) >> np.uint64(32)  # of tokens, the first
        end = 2**32 if self.among.end is None else int(self.among.end, 16)
        return numbers[(groups >= int(self.among.first, 16)) & (groups < end)]

    def _subject(self, number: int) -> EnrolledSubject:
        page, inside = divmod(number, _PAGE)
        template = Template(vectors_of(page, self.values)[inside], NET)
        record = ReferenceRecord(token_of(number), NET, {}, _THEN, _THEN)
        reference = BiometricReference(record, template)
        return EnrolledSubject(record.user_token, number + 1, frozenset(), [reference])
