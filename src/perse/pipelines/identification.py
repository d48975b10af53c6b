"""Who of a tenant's subjects is this, and do we know this face already?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from perse.domain.access import Caller
from perse.domain.faces import CapturedFace, ModelsByRole
from perse.domain.identification import (
    DEFAULT_FPIR,
    MOST_CANDIDATES,
    Candidate,
    Identification,
    SearchTerms,
)
from perse.domain.references import Modality, Template, UserToken
from perse.domain.subjects import CollectionName
from perse.pipelines.comparison import CaptureFace, Picture
from perse.pipelines.subject_ports import KnownCollections, SubjectSearch


@dataclass(frozen=True, slots=True)
class IdentifiedFace:
    """Who the largest face of a picture may be, and what is to be said of that face."""

    identification: Identification
    probe: CapturedFace
    models: ModelsByRole


@dataclass(frozen=True, slots=True)
class IdentifySubjects:
    """Use case: who of many is on this picture? Possibly nobody.

    Raises CollectionNotFound, IndexLoading and SearchMemoryExceeded, all before it looks at
    pixels, and NoFaceDetected. No guess is counted: nobody was claimed to be anybody.
    """

    capture: CaptureFace
    search: SubjectSearch
    collections: KnownCollections

    def __call__(self, caller: Caller, picture: Picture, terms: SearchTerms) -> IdentifiedFace:
        _check_collection(self.collections, caller, terms.collection)
        self.search.check_ready(caller.tenant_id, Modality.FACE)
        probe = self.capture(picture)
        found = self.search.identify(caller.tenant_id, Modality.FACE, probe.template, terms)
        return IdentifiedFace(found, probe, self.capture.models)


@dataclass(frozen=True, slots=True)
class FindDuplicates:
    """Who is enrolled under another name already? For enrolments, before they store: of two that
    run at the same time neither finds the other.

    Raises CollectionNotFound, IndexLoading, SearchMemoryExceeded.
    """

    search: SubjectSearch
    collections: KnownCollections

    def __call__(
        self,
        caller: Caller,
        template: Template,
        *,
        beside: UserToken | None = None,
        collection: CollectionName | None = None,
        fpir: float = DEFAULT_FPIR,
        modality: Modality = Modality.FACE,
    ) -> Identification:
        """Candidates other than ``beside``, who is being enrolled. ``collection``: None =
        everybody."""
        _check_collection(self.collections, caller, collection)
        terms = SearchTerms(MOST_CANDIDATES, fpir, collection)
        found = self.search.identify(caller.tenant_id, modality, template, terms)
        others = (it for it in found.candidates if it.subject != beside)
        return replace(found, candidates=tuple(_ranked(others)))


def _ranked(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    for rank, candidate in enumerate(candidates, 1):
        yield replace(candidate, rank=rank)


def _check_collection(
    collections: KnownCollections, caller: Caller, name: CollectionName | None
) -> None:
    if name is not None:
        collections.get(caller.tenant_id, name)
