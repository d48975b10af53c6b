"""From two templates to a similarity that means the same for good and for bad captures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perse.domain.decisions import SimilarityScale
from perse.domain.recognisability import Recognisability
from perse.domain.references import Template
from perse.domain.sample_fusion import SampleFusion


@dataclass(frozen=True, slots=True)
class Resemblance:
    """``similarity``: 0..1 on the calibrated scale; ``supported``: whether it lies between measured
    operating points; ``cosine``: -1..1, what the network said. ``effective``: what is left of it
    when shared damage has been taken off, never more; the similarity follows from it alone, and it
    tells apart those whose similarity is 1.

    ``recognisability``: of the probe and of what it was compared with, 0..1, None where it is not
    known. ``assessable``: false where one of the two says too little of a person to tell; then the
    similarity is 0.
    """

    similarity: float
    supported: bool
    cosine: float
    recognisability: tuple[float | None, float | None] = (None, None)
    assessable: bool = True
    effective: float = -1.0

    @property
    def lower_recognisability(self) -> float | None:
        """The lower one, as far as they are known."""
        return min((it for it in self.recognisability if it is not None), default=None)


@dataclass(frozen=True, slots=True)
class ResemblanceScale:
    """The similarity scale of a network, given how recognisable both captures are.

    ``model``: None for a network that was not measured for it; its cosines go on the scale as they
    are. ``fusion``: how several samples of a person are taken together.
    """

    points: SimilarityScale
    model: Recognisability | None = None
    fusion: SampleFusion = field(default_factory=SampleFusion)

    @property
    def tells_recognisability(self) -> bool:
        return self.model is not None

    @property
    def least_recognisability(self) -> float | None:
        """What a capture must reach for a comparison to tell anything."""
        return self.model.least if self.model else None

    def recognisability(self, template: Template) -> float | None:
        """0..1, of a capture; None where it cannot be told."""
        return self.model.of(template) if self.model else None

    def tells_of(self, template: Template) -> bool:
        """Whether comparisons with this capture tell anything, as far as that is known."""
        known = self.recognisability(template)
        return known is None or self.model is None or known >= self.model.least

    def resemblance(self, probe: Template, reference: Template) -> Resemblance:
        """How much two templates are one person's. Raises ReferenceModelMismatch across networks.

        The same, whichever of the two is the probe.
        """
        cosine = probe.cosine(reference)
        known = self.recognisability(probe), self.recognisability(reference)
        least = self.least_recognisability
        if least is not None and any(it is not None and it < least for it in known):
            return Resemblance(0.0, False, cosine, known, assessable=False)
        effective = self._corrected(cosine, (probe, reference), known)
        supported = self.points.supported(effective)
        similarity = self.points.similarity(effective)
        return Resemblance(similarity, supported, cosine, known, effective=effective)

    def resemblance_of_all(self, probe: Template, samples: Sequence[Template]) -> Resemblance:
        """How much the probe is of the person that all these samples are of; of one, as
        ``resemblance``. Those that say too little take no part. ``cosine`` is the highest one.

        Raises InvalidParameter without samples, ReferenceModelMismatch across networks.
        """
        each = [(sample, self.resemblance(probe, sample)) for sample in samples]
        told = [(sample, it) for sample, it in each if it.assessable]
        best = max((it for _, it in told or each), key=lambda it: it.effective)
        if len(told) < 2:
            return best
        cosines = [it.effective for _, it in told]
        all_ = self.fusion.combined(self.points, cosines, [one for one, _ in told])
        return replace(
            best, similarity=all_.similarity, supported=all_.supported, effective=all_.cosine
        )

    def _corrected(
        self,
        cosine: float,
        templates: tuple[Template, Template],
        known: tuple[float | None, float | None],
    ) -> float:
        model = self.model
        if model is None:
            return cosine
        captured = (
            model.captured(template.vector[None], np.array([1.0 if it is None else it]))
            for template, it in zip(templates, known, strict=True)
        )
        return float(model.corrected(np.array([[cosine]]), *captured)[0, 0])
