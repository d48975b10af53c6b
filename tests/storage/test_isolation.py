"""No sequence of calls of one tenant tells or changes anything of another's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from perse.domain.access import TenantId
from perse.domain.consent import Processing
from perse.domain.identification import SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, UserToken, UserTokens, new_user_token
from perse.domain.retries import RetryKey
from perse.domain.throttling import Guess
from perse.errors import RateLimited, UserTokenNotFound
from perse.search.live_search import LiveSearch
from perse.storage.storage import Storage
from tests.storage.conftest import open_at
from tests.storage.samples import (
    ACME,
    NOW,
    OTHER,
    SCALE,
    SEARCHED,
    entry,
    reference,
    template,
    with_tenants,
)

TENANTS = st.sampled_from([ACME, OTHER])


class TwoTenants(RuleBasedStateMachine):
    """A model of what each tenant holds, beside a real store."""

    tokens: Bundle[UserToken] = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.storage = open_at(f"sqlite:///{folder / 'perse.db'}", folder)
        with_tenants(self.storage.keys)
        self.search = LiveSearch(
            self.storage.subject_feed, {Modality.FACE: SEARCHED}, most_bytes=1_000_000
        )
        self.held: dict[TenantId, dict[UserToken, int]] = {ACME: {}, OTHER: {}}
        self.retried: dict[tuple[TenantId, str], UserToken] = {}

    def teardown(self) -> None:
        self.search.close()
        self.storage.close()
        self.folder.cleanup()

    @rule(target=tokens, tenant=TENANTS, seed=st.integers(0, 50))
    def enrol(self, tenant: TenantId, seed: int) -> UserToken:
        made = reference(seed, values=16)
        token = made.record.user_token
        self.storage.references.add(made, entry=entry(tenant, token=token))
        self.held[tenant][token] = seed
        return token

    @rule(tenant=TENANTS, name=st.sampled_from(["a", "b"]), seed=st.integers(0, 50))
    def enrol_by_name(self, tenant: TenantId, name: str, seed: int) -> None:
        made = reference(seed, values=16)
        retry = RetryKey.of(name, request=b"r" * 32)
        known = self.retried.get((tenant, name))
        try:
            kept = self.storage.references.add(made, entry=entry(tenant), retry=retry)
        except UserTokenNotFound:
            assert known is not None
            assert known not in self.held[tenant]
            return
        if known is None:
            self.retried[tenant, name] = kept.user_token
            self.held[tenant][kept.user_token] = seed
        assert kept.user_token == self.retried[tenant, name]

    @rule(tenant=TENANTS, token=tokens, seed=st.integers(0, 50))
    def update(self, tenant: TenantId, token: UserToken, seed: int) -> None:
        made = reference(seed, token=token, values=16)
        noted = entry(tenant, Processing.UPDATE, token=token)
        try:
            self.storage.references.replace(made, entry=noted)
        except UserTokenNotFound:
            assert token not in self.held[tenant]
        else:
            assert token in self.held[tenant]
            self.held[tenant][token] = seed

    @rule(tenant=TENANTS, token=tokens)
    def delete(self, tenant: TenantId, token: UserToken) -> None:
        noted = entry(tenant, Processing.DELETE, token=token)
        try:
            receipt = self.storage.references.delete(token, entry=noted)
        except UserTokenNotFound:
            assert token not in self.held[tenant]
        else:
            assert receipt.tenant_id == tenant
            del self.held[tenant][token]

    @rule(tenant=TENANTS, token=tokens)
    def find(self, tenant: TenantId, token: UserToken) -> None:
        try:
            found = self.storage.references.find(tenant, token)
        except UserTokenNotFound:
            assert token not in self.held[tenant]
        else:
            expected = reference(self.held[tenant][token], values=16).template.vector
            np.testing.assert_array_equal(found.template.vector, expected)

    @rule(tenant=TENANTS, seed=st.integers(0, 50))
    def identify(self, tenant: TenantId, seed: int) -> None:
        """Candidates are those of the tenant's own who are similar enough, and no others."""
        probe = FaceLikeness(template(seed, values=16), SCALE)
        answer = self.search.identify(tenant, Modality.FACE, probe, SearchTerms(100))
        held = self.held[tenant]
        assert answer.subjects == answer.threshold.comparisons == len(held)
        similarities = {
            token: SCALE.resemblance(probe.template, template(it, values=16)).similarity
            for token, it in held.items()
        }
        least = answer.threshold.similarity
        expected = {token: how for token, how in similarities.items() if how >= least}
        assert {it.subject: it.similarity for it in answer.candidates} == expected

    @rule(tenant=TENANTS, token=tokens, matched=st.booleans())
    def guess(self, tenant: TenantId, token: UserToken, matched: bool) -> None:
        before = self._guesses(token)
        try:
            self.storage.guesses.record(
                tenant, token, Guess.of(Modality.FACE, matched=matched), at=NOW
            )
        except UserTokenNotFound:
            assert token not in self.held[tenant]
            assert self._guesses(token) == before
        except RateLimited:
            assert token in self.held[tenant]

    @invariant()
    def each_lists_its_own(self) -> None:
        for tenant, held in self.held.items():
            assert self.storage.reference_list.tokens(tenant) == UserTokens.of(held)
            assert self.storage.reference_list.total(tenant) == len(held)

    def _guesses(self, token: UserToken) -> list[object]:
        return [
            self.storage.guesses.of(tenant, token)
            for tenant in (ACME, OTHER)
            if token in self.held[tenant]
        ]


def test_a_user_who_is_not_there_is_told_in_the_same_words_everywhere(sqlite: Storage) -> None:
    """Never enrolled, deleted, another tenant's: the caller learns no difference."""
    with_tenants(sqlite.keys)
    anothers, deleted = reference(1), reference(2)
    sqlite.references.add(anothers, entry=entry(OTHER))
    sqlite.references.add(deleted, entry=entry(ACME))
    sqlite.references.delete(deleted.record.user_token, entry=entry(ACME, Processing.DELETE))
    tokens = [new_user_token(), deleted.record.user_token, anothers.record.user_token]
    said = {_refusal(ask) for token in tokens for ask in _questions(sqlite, token)}
    (words,) = said
    assert "not enrolled with this API key" in words


def _questions(storage: Storage, token: UserToken) -> list[Callable[[], object]]:
    references, guesses = storage.references, storage.guesses
    update = entry(ACME, Processing.UPDATE, token=token)
    return [
        lambda: references.find(ACME, token),
        lambda: references.record(ACME, token),
        lambda: references.replace(reference(3, token=token), entry=update),
        lambda: references.delete(token, entry=entry(ACME, Processing.DELETE, token=token)),
        lambda: guesses.check(ACME, token, at=NOW),
        lambda: guesses.record(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW),
    ]


def _refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(UserTokenNotFound) as refused:
        ask()
    return refused.value.message


TestTwoTenants = TwoTenants.TestCase
TestTwoTenants.settings = settings(
    max_examples=6,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
