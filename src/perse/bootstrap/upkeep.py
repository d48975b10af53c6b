"""What operators do with what is kept, wired over opened storage."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from perse.auth.api_keys import utc_now
from perse.domain.receipts import noted_in
from perse.pipelines.ledger_check import CheckChain
from perse.pipelines.lockout import UnlockUser
from perse.pipelines.retention import PurgeExpired
from perse.pipelines.tenant_erasure import EraseTenant
from perse.settings import Settings
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.rotation import RotateSecrets
from perse.storage.storage import Storage


def wire_rotation(settings: Settings, storage: Storage) -> RotateSecrets:
    """With the key in a file, new ones are made there and old ones dropped from it."""
    in_file = settings.master_key is None and settings.master_key_command is None
    file = MasterKeyFile(settings.effective_master_key_file) if in_file else None
    return RotateSecrets(storage.database, storage.master, file, storage.journal)


def wire_purge(settings: Settings, storage: Storage) -> PurgeExpired:
    """Subjects and samples expire after the days that are set."""
    days = settings.reference_ttl_days
    lifetime = None if days is None else timedelta(days=days)
    return PurgeExpired(storage.tenants, storage.references, storage.samples, utc_now, lifetime)


def wire_ledger_check(storage: Storage) -> CheckChain:
    """With the receipts, which note how long the ledger was."""
    return CheckChain(storage.ledger, storage.receipts, storage.receipts.signer, noted_in)


def wire_audit_check(storage: Storage) -> CheckChain:
    """With the receipts, which note how long the audit log was."""
    log, noted = storage.journal.log, partial(noted_in, chain="audit")
    return CheckChain(log, storage.receipts, storage.receipts.signer, noted)


def wire_tenant_erasure(storage: Storage) -> EraseTenant:
    """In one transaction with its receipt."""
    return EraseTenant(storage.tenants, utc_now)


def wire_unlocking(storage: Storage) -> UnlockUser:
    """Whichever tenant the user belongs to."""
    return UnlockUser(storage.tenants, storage.guesses)
