"""Enrolment of a source's people, item by item."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import PurePath

from perse.bootstrap.bulk import Installation, Terms
from perse.bootstrap.enrolment import wire_consent
from perse.bootstrap.faces import wire_faces
from perse.bootstrap.subject_commands import intakes_of
from perse.bootstrap.subjects import wire_subjects
from perse.bootstrap.voices import wire_voices
from perse.bulk.crews import Work
from perse.bulk.files import LARGEST_FILE_BYTES, read
from perse.bulk.items import Item, Part
from perse.domain.access import Caller
from perse.domain.references import Modality
from perse.evaluation.sample_files import RECORDINGS
from perse.pipelines.subject_import import ByPlace, FileOfSubject, ImportFile, Outcome, Refused
from perse.storage.storage import Storage


@contextmanager
def enrolling(installation: Installation, terms: Terms) -> Iterator[Work[Outcome]]:
    """Makes samples of items, as an import does, but of each item once and for good. With the
    thread that writes the ledger."""
    settings, on_disk = installation.settings, installation.on_disk
    storage = installation.storage
    faces, voices = wire_faces(settings, on_disk), wire_voices(settings, on_disk)
    with closing(wire_consent(settings, storage)) as consent:
        services = wire_subjects(settings, faces, voices, storage, consent.record)
        enrol = ImportFile(
            services.store,
            intakes_of(services, faces, voices),
            by_place(storage),
            terms.collections,
        )

        def enrolled(part: Part) -> list[Outcome]:
            return [enrol(terms.caller, file_of(item), terms.declaration) for item in part]

        yield enrolled


def file_of(item: Item) -> FileOfSubject:
    """What is imported of an item; it is read where and when that is done."""
    recording = PurePath(item.name).suffix.lower() in RECORDINGS
    return FileOfSubject(
        item.person,
        item.name,
        Modality.VOICE if recording else Modality.FACE,
        partial(read, item.address, most_bytes=LARGEST_FILE_BYTES),
        item.address,
    )


def by_place(storage: Storage) -> ByPlace:
    """What names the items of sources, the same in every process."""
    return ByPlace(storage.derived_secret("bulk items"))


def not_yet_enrolled(storage: Storage, caller: Caller, part: Part) -> list[Item]:
    """Those of some hundred items that have not become samples; one that is listed twice, twice."""
    place = by_place(storage)
    keys = [place.of(item.person, item.address).key for item in part]
    done = storage.bulk.done(caller.tenant_id, list(dict.fromkeys(keys)))
    return [item for key, item in zip(keys, part, strict=True) if key not in done]


def given_up(item: Item) -> Outcome:
    """What becomes of an item that takes one worker after the other with it."""
    return Refused("worker_lost", f"several workers were lost with {item.name}, with nothing else")
