"""Everything that is kept, opened together."""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from perse.domain.audit import Act, Actor, ActorKind, Deed
from perse.domain.receipts import ReceiptSigner
from perse.domain.session_lockout import LockoutPolicy
from perse.domain.throttling import GuessPolicy
from perse.errors import MasterKeyUnusable, StorageUnavailable
from perse.storage.api_keys import SqlKeys
from perse.storage.audit_log import Journal, SqlAuditLog
from perse.storage.bulk import SqlBulk
from perse.storage.collections import SqlCollections
from perse.storage.database import Database, open_database
from perse.storage.destruction import DestroySubjects
from perse.storage.failed_guesses import SqlGuesses
from perse.storage.ledger import SqlLedger
from perse.storage.liveness_sessions import SqlLivenessSessions
from perse.storage.master_key import MasterKeys, MasterKeySource
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.migration import upgrade_schema
from perse.storage.quotas import SqlQuotas
from perse.storage.receipts import SqlReceipts
from perse.storage.reference_list import SqlReferenceList
from perse.storage.references import SqlReferences
from perse.storage.samples import SqlSamples
from perse.storage.secrets import open_secrets
from perse.storage.subject_feed import SqlSubjectFeed
from perse.storage.subjects import SqlSubjects
from perse.storage.tenant_keys import TenantKeys
from perse.storage.tenants import SqlTenants

_NOBODY = Actor(ActorKind.SERVER, "perse")


@dataclass(frozen=True, slots=True)
class Storage:
    """Safe to share between threads. Close it when done, or use it in a ``with``."""

    database: Database
    master: MasterKeys
    keys: SqlKeys
    references: SqlReferences
    subjects: SqlSubjects
    samples: SqlSamples
    collections: SqlCollections
    subject_feed: SqlSubjectFeed
    reference_list: SqlReferenceList
    guesses: SqlGuesses
    ledger: SqlLedger
    receipts: SqlReceipts
    tenants: SqlTenants
    sessions: SqlLivenessSessions
    journal: Journal
    bulk: SqlBulk
    quotas: SqlQuotas

    def derived_secret(self, purpose: str) -> bytes:
        """32 bytes that stay the same for this database and say nothing of its other secrets."""
        return derived_secret(self.ledger.key, purpose)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def derived_secret(key: bytes, purpose: str) -> bytes:
    """32 bytes that say nothing of ``key`` or of those for other purposes."""
    return hmac.digest(key, f"perse {purpose}".encode(), "sha256")


@dataclass(frozen=True, slots=True)
class MasterKeyChoice:
    """Where the master key comes from: ``given``, else the file, made when nothing is sealed."""

    file: Path
    given: MasterKeySource | None = field(default=None, repr=False)

    def open(self, first: bool) -> MasterKeys:
        """``first``: nothing is sealed yet. Raises MasterKeyUnusable."""
        if self.given is not None:
            return MasterKeys(self.given)
        if not self.file.exists():
            if not first:
                raise MasterKeyUnusable(
                    f"the master key file {self.file} is missing, and this database is sealed "
                    "already: put the file back, copy it from the machine that made it, or give "
                    "its key by PERSE_MASTER_KEY or PERSE_MASTER_KEY_COMMAND"
                )
            MasterKeyFile(self.file).create()
        return MasterKeys(MasterKeyFile(self.file).read)


def open_storage(
    url: str,
    *,
    master_key: MasterKeyChoice,
    signer: ReceiptSigner,
    guess_policy: GuessPolicy | None = None,
    lockout_policy: LockoutPolicy | None = None,
    actor: Actor = _NOBODY,
) -> Storage:
    """Open ``url``, bring its schema up to date, and unlock it. ``actor``: for the audit log.

    Raises SettingsInvalid, StorageUnavailable, StorageTooNew or MasterKeyUnusable.
    """
    database = open_database(url)
    try:
        schema = upgrade_schema(database).newest
        master, key = open_secrets(database, master=master_key.open)
        ledger, journal = SqlLedger.of(database, key), _journal(database, key, actor, schema)
        with suppress(StorageUnavailable):  # a reader of another process may hold it
            database.erase_traces()
    except BaseException:
        database.close()
        raise
    return _storage(master, ledger, journal, signer, guess_policy or GuessPolicy(), lockout_policy)


def _storage(
    master: MasterKeys,
    ledger: SqlLedger,
    journal: Journal,
    signer: ReceiptSigner,
    guess_policy: GuessPolicy,
    lockout_policy: LockoutPolicy | None,
) -> Storage:
    """Over an unlocked database."""
    database = ledger.database
    receipts = SqlReceipts(database, signer, journal.log)
    tenant_keys, destroy = TenantKeys(master), DestroySubjects(database, ledger, receipts)
    return Storage(
        database=database,
        master=master,
        keys=SqlKeys(database, journal),
        references=SqlReferences(database, tenant_keys, ledger, destroy),
        subjects=SqlSubjects(database, ledger, destroy),
        samples=SqlSamples(database, tenant_keys, ledger, destroy),
        collections=SqlCollections(database, ledger),
        subject_feed=SqlSubjectFeed(database, tenant_keys),
        reference_list=SqlReferenceList(database),
        guesses=SqlGuesses(database, guess_policy),
        ledger=ledger,
        receipts=receipts,
        tenants=SqlTenants(database, ledger, receipts, journal),
        sessions=_sessions(ledger, lockout_policy),
        journal=journal,
        quotas=SqlQuotas(database, journal),
        bulk=SqlBulk(database, tenant_keys, derived_secret(ledger.key, "bulk outcomes")),
    )


def _journal(database: Database, key: bytes, actor: Actor, schema: str) -> Journal:
    log = SqlAuditLog.of(database, derived_secret(key, "audit log"))
    journal = Journal(log, actor, lambda: datetime.now(UTC))
    journal.note_news(Deed(Act.SCHEMA, schema))
    return journal


def _sessions(ledger: SqlLedger, policy: LockoutPolicy | None) -> SqlLivenessSessions:
    secret = derived_secret(ledger.key, "liveness failures")
    return SqlLivenessSessions(ledger.database, ledger, policy or LockoutPolicy(), secret)
