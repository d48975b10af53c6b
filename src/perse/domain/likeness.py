"""A capture that is looked for among many, and how much anybody's sample is like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perse.domain.decisions import SimilarityScale
from perse.domain.identification import AttributedTemplate
from perse.domain.references import Template
from perse.domain.resemblance import Resemblance, ResemblanceScale


class Likeness(Protocol):
    """What a search asks of a probe. A similarity follows from the effective cosine; how far that
    is from the cosine of the templates alone is bounded."""

    @property
    def template(self) -> Template: ...
    @property
    def points(self) -> SimilarityScale: ...
    @property
    def assessable(self) -> bool:
        """Whether comparisons with this capture tell anything, as far as that is known."""
        ...

    @property
    def recognisability(self) -> float | None:
        """0..1, None where it is not known."""
        ...

    def resemblance(self, sample: AttributedTemplate) -> Resemblance:
        """As a comparison of the two captures says it."""
        ...

    def most_effective(self, cosine: float) -> float:
        """What is left of that cosine or of a lower one is not more."""
        ...

    def least_cosine(self, effective: float) -> float:
        """Lower cosines do not reach so effective a one."""
        ...


@dataclass(frozen=True, slots=True)
class FaceLikeness:
    """Of faces: what damage both captures share is taken off, and nothing is ever added."""

    template: Template
    scale: ResemblanceScale

    @property
    def points(self) -> SimilarityScale:
        return self.scale.points

    @property
    def assessable(self) -> bool:
        return self.scale.tells_of(self.template)

    @property
    def recognisability(self) -> float | None:
        return self.scale.recognisability(self.template)

    def resemblance(self, sample: AttributedTemplate) -> Resemblance:
        return self.scale.resemblance(self.template, sample.template)

    def most_effective(self, cosine: float) -> float:
        return cosine

    def least_cosine(self, effective: float) -> float:
        return effective
