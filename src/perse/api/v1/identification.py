"""Who of many is this?"""

from __future__ import annotations

from perse.api.http.calls import Call
from perse.api.http.consent import Processes
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation
from perse.api.http.queries import decimal_number, whole_number
from perse.api.v0.faces import FORM_ERRORS
from perse.api.v1.identification_wire import (
    EXAMPLE,
    IdentifyAnswer,
    face_search,
    fused_search,
    voice_search,
)
from perse.api.v1.probes import ONE_OF_THEM, PROBE_FIELDS, load_of, probe_of
from perse.domain.access import Permission
from perse.domain.consent import Processing
from perse.domain.identification import DEFAULT_FPIR, LOWEST_FPIR, MOST_CANDIDATES, SearchTerms
from perse.domain.subjects import parse_collection_name
from perse.errors import (
    ClusterUnavailable,
    CollectionNotFound,
    IndexLoading,
    NoFaceDetected,
    NoSpeechDetected,
    NotFound,
    SearchMemoryExceeded,
)

COLLECTION = FormField(
    "collection",
    FieldKind.TEXT,
    "Search this collection only; everybody where it is not sent.",
    required=False,
    example="staff",
)
MOST = FormField(
    "max_candidates",
    FieldKind.TEXT,
    f"Most candidates to answer, 1 to {MOST_CANDIDATES}; 10 where it is not sent.",
    required=False,
    example="10",
)
FPIR = FormField(
    "fpir",
    FieldKind.TEXT,
    "In how many of the searches for people who are not there may anybody be found: "
    f"{LOWEST_FPIR:g} or more, below 1; {DEFAULT_FPIR:g} where it is not sent. It sets the "
    "threshold.",
    required=False,
    example="0.01",
)


async def identify(call: Call) -> IdentifyAnswer:
    """Search the subjects for the largest face of a picture, the voice of a recording, or both."""
    form = await call.form()
    probe, terms, services = probe_of(call, form), _terms(form), call.services
    found = await call.compute(
        lambda: services.searching.identify(
            call.caller, probe, terms, side_by_side=call.workplace.compute.side_by_side
        ),
        load=load_of(call, form),
    )
    faces, voices = services.faces, services.voices
    searches = [it for it in (found.face, found.voice) if it]
    return IdentifyAnswer(
        face=face_search(found.face, faces.thresholds) if found.face else None,
        voice=voice_search(found.voice, voices.thresholds) if found.voice and voices else None,
        fused=fused_search(found.fused) if found.fused else None,
        models={role: name for it in searches for role, name in it.models.items()},
        time_taken=call.time_taken(),
    )


def _terms(form: Form) -> SearchTerms:
    """Raises InvalidParameter."""
    most, collection = form.text(MOST.name), form.text(COLLECTION.name)
    return SearchTerms(
        10 if most is None else whole_number(most, MOST.name, most=MOST_CANDIDATES),
        fpir_of(form),
        None if collection is None else parse_collection_name(collection),
    )


def fpir_of(form: Form) -> float:
    """What the form asks for. Raises InvalidParameter for what is no number."""
    asked = form.text(FPIR.name)
    return DEFAULT_FPIR if asked is None else decimal_number(asked, FPIR.name)


OPERATIONS = (
    Operation(
        "POST",
        "/v1/identify",
        identify,
        IdentifyAnswer,
        summary="Identify",
        tag="identification",
        description=(
            "Who of this API key's subjects is the largest face of a picture, the voice of a "
            "recording? Every sample is compared; those similar enough are candidates, the most "
            "similar first, possibly nobody. A picture and a recording are searched for each by "
            "itself, and `fused`, both together, among those who have a face and a voice. "
            "The threshold follows from `fpir` and from how many samples are "
            "searched; `threshold.supported` says whether measured error rates carry it. After a "
            "start a tenant's samples are read into memory first: 503 `index_loading` until then."
        ),
        processes=Processes(Processing.IDENTIFY),
        needs=Needs.of(Permission.IDENTIFY),
        form=(*PROBE_FIELDS, COLLECTION, MOST, FPIR),
        one_of=ONE_OF_THEM,
        errors=(
            *FORM_ERRORS,
            CollectionNotFound,
            NoFaceDetected,
            NoSpeechDetected,
            NotFound,
            IndexLoading,
            SearchMemoryExceeded,
            ClusterUnavailable,
        ),
        example=EXAMPLE,
    ),
)
