"""What operators do with what is kept: rotate secrets, check the ledger, export and erase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from perse.auth.api_keys import utc_now
from perse.bootstrap.storing import open_sealed_storage
from perse.domain.access import TenantId
from perse.domain.consent import ChainPoint, ConsentEntry, Declaration, Operation
from perse.domain.receipts import Receipt
from perse.errors import InvalidParameter
from perse.pipelines.moving import is_over
from perse.pipelines.subject_export import ExportSubject
from perse.settings import Settings
from perse.storage.ledger_writer import LedgerWriter
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.opening import Storage
from perse.storage.rotation import Rotated, RotateSecrets
from perse.weights.packs import PackRecord, recorded_pack


@contextmanager
def opened_storage(settings: Settings) -> Iterator[Storage]:
    """Everything that is kept, for one command."""
    storage = open_sealed_storage(settings)
    try:
        yield storage
    finally:
        storage.close()


def rotate_secrets(settings: Settings, *, renew_tenant_keys: bool) -> Rotated:
    """Wrap everything with a new master key, while servers go on. Raises as RotateSecrets.

    With the key in a file, the new key is made here and the old one is dropped from the file.
    Otherwise the first key of the setting or command is taken.
    """
    in_file = settings.master_key is None and settings.master_key_command is None
    file = MasterKeyFile(settings.effective_master_key_file) if in_file else None
    with opened_storage(settings) as storage:
        rotate = RotateSecrets(storage.database, storage.master, file)
        return rotate(renew_tenant_keys=renew_tenant_keys)


@dataclass(frozen=True, slots=True)
class Embedders:
    """The network whose templates this data folder makes, None before it is set up, and the one
    whose users are being moved. ``until``: the last day of that."""

    in_use: str | None
    previous: str | None
    until: date | None

    def outlook(self, network: str) -> str:
        """What becomes of a user of ``network``; nothing to say of the one in use."""
        if self.in_use is None or network == self.in_use:
            return ""
        if network != self.previous or is_over(self.until, utc_now()):
            return "not comparable: update"
        until = f", until {self.until}" if self.until else ""
        return f"moves when recognised{until}"


def embedders_of(settings: Settings) -> Embedders:
    """As the data folder records them. Raises PackMismatch for a record that cannot be read."""
    recorded = recorded_pack(settings.data_dir)
    previous = recorded.previous if recorded else None
    until = settings.previous_pack_until
    return Embedders(_embedder(recorded), _embedder(previous), until)


def _embedder(recorded: PackRecord | None) -> str | None:
    return None if recorded is None else recorded.models.get("face_embedder", {}).get("name")


def ledger_problems(storage: Storage, anchors: list[ChainPoint]) -> Iterator[str]:
    """What is wrong with the consent ledger, also against what receipts and notes say of it."""
    yield from storage.ledger.problems()
    for receipt in storage.receipts.list():
        point = _noted_in(storage, receipt)
        if point is None:
            yield f"receipt {receipt.receipt_id} was changed or is not signed by a known key"
        else:
            anchors = [*anchors, point]
    for anchor in anchors:
        if storage.ledger.point(anchor.seq) != anchor:
            yield f"entry {anchor.seq} is not the one that was noted before"


def parse_anchor(text: str) -> ChainPoint:
    """``SEQ:HASH``, as ``perse consent verify`` prints it. Raises InvalidParameter."""
    seq, _, digest = text.partition(":")
    try:
        return ChainPoint(int(seq), bytes.fromhex(digest))
    except ValueError:
        raise InvalidParameter(
            f"{text!r} is no SEQ:HASH as perse consent verify prints it"
        ) from None


def erase_tenant(storage: Storage, tenant_id: TenantId) -> Receipt:
    """Destroy all that a tenant has. Raises NotFound."""
    entry = ConsentEntry(
        at=utc_now(),
        tenant_id=tenant_id,
        key_id=None,
        operation=Operation.TENANT_DELETE,
        declaration=Declaration.NOT_NEEDED,
    )
    return storage.tenants.erase(entry=entry)


@contextmanager
def subject_export(storage: Storage) -> Iterator[ExportSubject]:
    """The use case over opened storage."""
    writer = LedgerWriter(storage.ledger)
    try:
        yield ExportSubject(
            tenants=storage.tenants,
            references=storage.references,
            guesses=storage.guesses,
            ledger=storage.ledger,
            receipts=storage.receipts,
            writer=writer,
            now=utc_now,
        )
    finally:
        writer.close()


def _noted_in(storage: Storage, receipt: Receipt) -> ChainPoint | None:
    try:
        claims = storage.receipts.signer.verify(receipt.jws)
    except InvalidParameter:
        return None
    noted = claims.get("ledger")
    if not isinstance(noted, dict) or claims.get("jti") != receipt.receipt_id:
        return None
    return ChainPoint(int(noted["seq"]), bytes.fromhex(str(noted["hash"])))
