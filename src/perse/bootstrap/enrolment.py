"""Enrolment and verification over opened face pipelines and storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from perse.auth.api_keys import utc_now
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.repeating import Repeating
from perse.bootstrap.storing import rate_limits
from perse.domain.access import KeyId
from perse.domain.retries import RetryKey
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CaptureReference, DeleteReference, EnrolFace, UpdateReference
from perse.pipelines.moving import PreviousNetwork, Recognition
from perse.pipelines.reference_ports import ReferenceList
from perse.pipelines.retention import PurgeExpired
from perse.pipelines.verification import VerifyFace
from perse.settings import Settings
from perse.storage.ledger_writer import LedgerWriter
from perse.storage.opening import Storage
from perse.storage.rate_limits import SqlRateLimits

_PURGE_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class ConsentServices:
    """Every biometric call writes its entry with ``record``. Close to write what is waiting."""

    record: RecordConsent
    writer: LedgerWriter

    def close(self) -> None:
        self.writer.close()


@dataclass(frozen=True, slots=True)
class EnrolmentServices:
    """``purging`` destroys what is too old, from now until it is closed."""

    enrol: EnrolFace
    update: UpdateReference
    delete: DeleteReference
    verify: VerifyFace
    users: ReferenceList
    retry_secret: bytes = field(repr=False)
    purge: PurgeExpired
    purging: Repeating

    def retry_key(self, name: str, content: bytes) -> RetryKey:
        """Of a request that the client named. Raises InvalidParameter for a bad name."""
        return RetryKey.for_content(name, content, secret=self.retry_secret)

    def close(self) -> None:
        self.purging.close()


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How often each API key may call."""

    limits: SqlRateLimits

    def take(self, key_id: KeyId) -> None:
        """Count one call. Raises RateLimited."""
        self.limits.take(key_id, at=utc_now())


def wire_consent(settings: Settings, storage: Storage) -> ConsentServices:
    """The ledger and its writing thread."""
    writer = LedgerWriter(storage.ledger)
    record = RecordConsent(
        writer,
        utc_now,
        required=settings.consent == "required",
        purpose=settings.consent_purpose,
    )
    return ConsentServices(record, writer)


def wire_call_limits(settings: Settings, storage: Storage) -> CallLimits | None:
    """As the settings say; no limit by default."""
    limits = rate_limits(settings, storage)
    return CallLimits(limits) if limits else None


def wire_enrolment(
    settings: Settings,
    faces: FaceServices,
    storage: Storage,
    consent: RecordConsent,
    previous: PreviousNetwork | None,
) -> EnrolmentServices:
    """Start purging, too, at once and then every hour."""
    current = Recognition(faces.compare, faces.thresholds)
    capture = CaptureReference(
        faces.detect.find,
        faces.detect.pose,
        faces.detect.quality,
        faces.capture.embedder,
        faces.thresholds,
    )
    guesses = storage.guesses if settings.limit_guesses else None
    purge = wire_purge(settings, storage)
    return EnrolmentServices(
        enrol=EnrolFace(capture, storage.references, consent),
        update=UpdateReference(capture, storage.references, consent),
        delete=DeleteReference(storage.references, consent),
        verify=VerifyFace(current, storage.references, guesses, utc_now, previous),
        users=storage.reference_list,
        retry_secret=storage.derived_secret("retries"),
        purge=purge,
        purging=Repeating(purge, every_s=_PURGE_EVERY_S, name="perse-purge"),
    )


def wire_purge(settings: Settings, storage: Storage) -> PurgeExpired:
    """Also for ``perse references purge``."""
    days = settings.reference_ttl_days
    lifetime = None if days is None else timedelta(days=days)
    return PurgeExpired(storage.tenants, storage.references, utc_now, lifetime)
