"""Rotation of the secrets that everything is wrapped with, while servers go on.

At every moment, also when the process or the machine stops there, each key that the database
names is in the source: a new key is in the file before the database names it, and an old one is
taken out after the database has ceased to. The lock keeps rotations apart; that no key is lost
does not depend on it, because whoever lets the database name a key, and whoever drops one, holds
the database's own row of secrets and looks again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, replace

from perse.domain.audit import Act, Deed
from perse.storage.audit_log import Journal
from perse.storage.database import Database
from perse.storage.master_key import MasterKeys, master_key_id
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.renewal import RenewTenantKeys
from perse.storage.rotation_lock import rotation_lock
from perse.storage.sealing import new_key
from perse.storage.secrets import lock_secrets, named_master_keys, wrap_secrets
from perse.storage.tenant_keys import TenantKeys

_WAIT_S = 10.0
_MASTER_KEY = Deed(Act.SECRETS_ROTATE, "master key")


@dataclass(frozen=True, slots=True)
class Rotated:
    """``master_key``: the id of the key that wraps everything now; ``new``: whether another did
    before; ``drop_old``: whether the operator has to take an old key out of the setting or command;
    ``data_keys``: None unless renewed."""

    master_key: str
    new: bool
    drop_old: bool
    tenant_keys: int
    data_keys: int | None


@dataclass(frozen=True, slots=True)
class RotateSecrets:
    """``file``: where the new key is made and old ones are dropped. None where keys are given
    otherwise: then the first one given is taken, and old ones are the operator's to drop."""

    database: Database
    master: MasterKeys
    file: MasterKeyFile | None
    journal: Journal
    wait_s: float = _WAIT_S

    def __call__(self, *, renew_tenant_keys: bool) -> Rotated:
        """Raises StorageUnavailable while another rotation is under way, MasterKeyUnusable,
        SetupError for a file that cannot be changed. What was begun is finished by the next one."""
        lock = rotation_lock(self.database, wait_s=self.wait_s)
        if not renew_tenant_keys:
            with self.journal.trying(_MASTER_KEY), lock:
                return self._rotate(None)
        deed = Deed(Act.SECRETS_ROTATE, "tenant keys")
        with lock, self.journal.undertaking(deed) as counts:
            return self._rotate(counts)

    def _rotate(self, renewing: Counter[str] | None) -> Rotated:
        """``renewing``: is told how many data keys are wrapped anew; None = tenant keys stay."""
        before = self.file.ids() if self.file else frozenset()
        key_id = self._next_key()
        named, tenant_keys = self._wrap_with(key_id)
        self._drop(before)
        data_keys = None
        if renewing is not None:
            data_keys = renewing["data_keys"] = self._renew_tenant_keys()
        self.database.erase_traces()
        drop_old = self.file is None and len(self.master.ids) > 1
        return Rotated(key_id, key_id != named, drop_old, tenant_keys, data_keys)

    def _next_key(self) -> str:
        if self.file is None:
            self.master.refresh()
            return self.master.first_id
        key = new_key()
        self.file.put_first(key)
        return master_key_id(key)

    def _wrap_with(self, key_id: str) -> tuple[str, int]:
        """The id of the key that wrapped before, and the number of tenant keys."""
        with self.database.write() as connection:
            self.database.insist_on_disk(connection)
            named = lock_secrets(connection)
            if self.file is not None:
                self.master.refresh()  # nobody can take the new key out of it from here on
            wrapped = wrap_secrets(connection, self.master, key_id=key_id)
            details = {"master_key": key_id, "before": named}
            self.journal.note_in(connection, replace(_MASTER_KEY, details=details))
            return named, wrapped

    def _drop(self, key_ids: Set[str]) -> None:
        """Those of them that the database does not name."""
        if self.file is None:
            return
        with self.database.write() as connection:
            lock_secrets(connection)
            self.file.drop(key_ids - named_master_keys(connection))
            self.master.refresh()

    def _renew_tenant_keys(self) -> int:
        return RenewTenantKeys(self.database, TenantKeys(self.master))()
