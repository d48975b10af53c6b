"""A voice that is looked for among many."""

from __future__ import annotations

from dataclasses import dataclass

from perse.domain.decisions import SimilarityScale
from perse.domain.identification import AttributedTemplate
from perse.domain.references import Template
from perse.domain.resemblance import Resemblance
from perse.domain.voices import CapturedVoice
from perse.errors import InvalidParameter
from perse.pipelines.voice import CompareVoices


@dataclass(frozen=True, slots=True)
class VoiceLikeness:
    """Of voices: cosines are corrected for speech and bandwidth, upwards, too, where there is
    little speech. Satisfies Likeness."""

    heard: CapturedVoice
    compare: CompareVoices

    @property
    def template(self) -> Template:
        return self.heard.template

    @property
    def points(self) -> SimilarityScale:
        return self.compare.scale

    @property
    def obstacle(self) -> str | None:
        """Why no comparison with this recording tells anything, as a sentence."""
        heard, limits = self.heard, self.compare.limits
        told = limits.obstacles("the recording", heard.voices, snr_db=heard.quality.snr_db)
        return next(told, None)

    @property
    def assessable(self) -> bool:
        return self.obstacle is None

    @property
    def recognisability(self) -> float | None:
        """Nobody has measured that of voices."""
        return None

    def resemblance(self, sample: AttributedTemplate) -> Resemblance:
        """Raises InvalidParameter for a sample of which nothing but the template is known."""
        if sample.reference is None:
            raise InvalidParameter("voices are compared with what is known of their recordings")
        compared = self.compare.judge(self.heard, CapturedVoice.kept_as(sample.reference))
        return Resemblance(
            compared.similarity if compared.obstacle is None else 0.0,
            compared.supported,
            self.template.cosine(sample.template),
            assessable=compared.obstacle is None,
            effective=compared.cosine,
        )

    def most_effective(self, cosine: float) -> float:
        """Strangers' cosines are divided by their spread, which is never less than the least."""
        return cosine / self._least_spread if cosine > 0 else 0.0

    def least_cosine(self, effective: float) -> float:
        return effective * self._least_spread if effective > 0 else -1.0

    @property
    def _least_spread(self) -> float:
        return self.compare.correction.least_spread(self.heard.quality)
