"""Enrolment and verification over opened face pipelines and storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from perse.auth.api_keys import utc_now
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.upkeep import wire_purge
from perse.chores import Chore
from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.retries import NameRetry, RetryKey
from perse.domain.throttling import RateLimit
from perse.pipelines.call_limits import CallLimits
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CaptureReference, DeleteReference, EnrolFace, UpdateReference
from perse.pipelines.moving import PreviousNetwork, Recognition
from perse.pipelines.reference_ports import GuessLimiter, ReferenceList
from perse.pipelines.retention import PurgeExpired
from perse.pipelines.verification import VerifyFace
from perse.settings import Settings
from perse.storage.ledger_writer import LedgerWriter
from perse.storage.rate_limits import SqlRateLimits
from perse.storage.storage import Storage

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
    """``retry_key`` names a request that may come twice. ``purging`` destroys what is too old, from
    now until it is closed."""

    enrol: EnrolFace
    update: UpdateReference
    delete: DeleteReference
    verify: VerifyFace
    users: ReferenceList
    retry_key: NameRetry = field(repr=False)
    purge: PurgeExpired
    purging: Chore

    def close(self) -> None:
        self.purging.close()


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
    if settings.rate_limit is None:
        return None
    limit = RateLimit(per_second=settings.rate_limit, burst=settings.rate_burst)
    return CallLimits(SqlRateLimits(storage.database, limit), utc_now)


def wire_enrolment(
    settings: Settings,
    faces: FaceServices,
    storage: Storage,
    consent: RecordConsent,
    previous: PreviousNetwork | None,
) -> EnrolmentServices:
    """Start purging, too, at once and then every hour."""
    current = Recognition(faces.compare, faces.thresholds)
    capture, purge = reference_capture(settings, faces), wire_purge(settings, storage)
    return EnrolmentServices(
        enrol=EnrolFace(capture, storage.references, consent),
        update=UpdateReference(capture, storage.references, consent),
        delete=DeleteReference(storage.references, consent),
        verify=VerifyFace(
            current, storage.references, guess_limiter(settings, storage), utc_now, previous
        ),
        users=storage.reference_list,
        retry_key=retry_names(storage),
        purge=purge,
        purging=Chore(purge, every_s=_PURGE_EVERY_S, name="perse-purge"),
    )


def reference_capture(settings: Settings, faces: FaceServices) -> CaptureReference:
    """What makes the template of a face that may be enrolled."""
    return CaptureReference(
        faces.capture.find,
        faces.capture.assess,
        faces.capture.embedder,
        faces.compare.scale,
        faces.thresholds,
        EnrolmentGate(settings.enrolment_gate),
    )


def guess_limiter(settings: Settings, storage: Storage) -> GuessLimiter | None:
    """What counts failed comparisons; None where nobody wants it."""
    return storage.guesses if settings.limit_guesses else None


def retry_names(storage: Storage) -> NameRetry:
    """What names requests that may come twice, the same in every process."""
    return partial(RetryKey.for_content, secret=storage.derived_secret("retries"))
