from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perse.bootstrap.enrolment import wire_call_limits, wire_consent
from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_purge
from perse.chores import Chore
from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import Declaration, Processing
from perse.errors import EnduserConsentRequired, RateLimited, StorageUnavailable
from perse.settings import load_settings
from perse.storage.storage import Storage
from tests.storage.samples import ACME, api_key, entry, reference

CALLER = Caller(TenantId("acme"), KeyId("key-1"))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(load_settings(data_dir=tmp_path))
    opened.keys.add(api_key("app"))
    yield opened
    opened.close()


def test_the_purpose_and_the_requirement_come_from_the_settings(storage: Storage) -> None:
    settings = load_settings(consent="required", consent_purpose="account recovery")
    consent = wire_consent(settings, storage)
    noted = consent.record.entry(CALLER, Processing.FACE_DETECT, Declaration.ABSENT)
    consent.record.begin(noted).result(timeout=10)
    with pytest.raises(EnduserConsentRequired):
        consent.record.check(noted)
    consent.close()
    (link,) = storage.ledger.entries()
    assert (link.entry.purpose, link.entry.declaration) == ("account recovery", "absent")


def test_calls_are_limited_only_where_that_is_set(storage: Storage) -> None:
    assert wire_call_limits(load_settings(), storage) is None
    limited = wire_call_limits(load_settings(rate_limit=0.001, rate_burst=2), storage)
    assert limited is not None
    for _ in range(2):
        limited.take(KeyId("key-1"))
    with pytest.raises(RateLimited):
        limited.take(KeyId("key-1"))


def test_references_expire_after_the_days_that_are_set(storage: Storage) -> None:
    made = reference()
    storage.references.add(made, entry=entry(token=made.record.user_token))
    assert wire_purge(load_settings(reference_ttl_days=100_000), storage)() == []
    assert len(wire_purge(load_settings(reference_ttl_days=1), storage)()) == 1
    assert len(storage.reference_list.tokens(ACME)) == 0


def test_repeated_work_starts_at_once_and_survives_errors() -> None:
    turns = threading.Semaphore(0)

    def work() -> None:
        turns.release()
        raise StorageUnavailable("the database is away")

    repeating = Chore(work, every_s=0.01, name="test")
    for _ in range(3):
        assert turns.acquire(timeout=10)
    repeating.close()
    assert not any(thread.name == "test" for thread in threading.enumerate())
