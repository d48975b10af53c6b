"""The same person under two names: what is asked and what is said of it."""

from __future__ import annotations

from pydantic import Field

from perse.api.http.answers import Answer
from perse.api.http.forms import FieldKind, Form, FormField
from perse.api.v1.identification import COLLECTION, FPIR, fpir_of
from perse.api.v1.identification_wire import (
    PARTIAL,
    WireCandidate,
    WireSearchThreshold,
    wire_candidate,
    wire_threshold,
)
from perse.domain.identification import Identification
from perse.domain.subjects import parse_collection_name
from perse.errors import InvalidParameter
from perse.pipelines.samples import DuplicateTerms

_ALLOW, _REPORT, _REFUSE = _CHOICES = ("allow", "report", "refuse")
_ON_DUPLICATE = FormField(
    "on_duplicate",
    FieldKind.TEXT,
    "What to do where another subject seems to be the same person: `allow` does not look, which "
    "is the default, `report` says who, `refuse` keeps nothing. `fpir` and `collection` are those "
    "of a search.",
    required=False,
    example=_REPORT,
)
DUPLICATES = (_ON_DUPLICATE, FPIR, COLLECTION)


class WireDuplicates(Answer):
    """Of a search that never names the subject itself. Its own samples are searched like all
    others, and count in `subjects` and `comparisons`."""

    candidates: list[WireCandidate] = Field(description="Who else it is like; possibly nobody.")
    threshold: WireSearchThreshold
    subjects: int = Field(
        ge=0, description="How many subjects were searched, itself included where it has samples."
    )
    partial: bool = Field(description=PARTIAL)


def duplicates_of(form: Form) -> DuplicateTerms | None:
    """What the form asks for; None where it asks for nothing. Raises InvalidParameter."""
    asked = form.text(_ON_DUPLICATE.name)
    if asked in {None, _ALLOW}:
        return None
    if asked not in _CHOICES:
        raise InvalidParameter(f"{_ON_DUPLICATE.name} is one of {', '.join(_CHOICES)}")
    within = form.text(COLLECTION.name)
    return DuplicateTerms(
        refuse=asked == _REFUSE,
        fpir=fpir_of(form),
        collection=None if within is None else parse_collection_name(within),
    )


def wire_duplicates(found: Identification) -> WireDuplicates:
    """What the search found."""
    return WireDuplicates(
        candidates=[wire_candidate(it) for it in found.candidates],
        threshold=wire_threshold(found.threshold),
        subjects=found.subjects,
        partial=found.partial,
    )
