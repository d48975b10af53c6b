"""One similarity of a probe with all the samples of a person, on the scale of a single one.

The best of k similarities gives a stranger k chances: its false match rate grows with k. With the
mean of the cosines it falls, because strangers' means spread less than their single cosines. How
much less is known. The mean of unit templates is shorter than 1 by as much as they differ; divided
by that length, the mean is the cosine with the person's average template, and strangers spread as
before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import SimilarityScale
from perse.domain.references import Template
from perse.errors import InvalidParameter, ReferenceModelMismatch

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Combined:
    """A combined ``cosine``, its ``similarity``, 0..1, and whether that lies between measured
    operating points."""

    cosine: float
    similarity: float
    supported: bool


@dataclass(frozen=True, slots=True)
class SampleFusion:
    """How the samples of one person are taken together; fitted for an embedder.

    ``share``: 0..1, which share of what the samples differ in moves strangers' cosines, too. With
    0, as for networks that nobody measured, the mean stays as it is: fewer strangers match than the
    scale says.
    """

    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InvalidParameter(f"not a share: {self.share}")

    def cosine(self, cosines: Sequence[float], samples: Sequence[Template]) -> float:
        """-1..1, on the scale of a single comparison; that of one sample is its own.

        ``cosines``: of the probe with each of ``samples``, corrected as for a single comparison.
        Their order does not matter, and one sample given several times is one. Leave out what
        cannot be assessed. Raises InvalidParameter without samples and for cosines that are not
        theirs, and ReferenceModelMismatch for samples of several networks.
        """
        if not samples or len(cosines) != len(samples):
            raise InvalidParameter("a combined similarity needs one cosine for each sample")
        mean = math.fsum(cosines) / len(cosines)
        return float(self.of_mean(mean, agreement(samples)))

    def of_mean(self, mean: float | Values, agreement: float | Values) -> Values:
        """The same from the mean cosine and the ``agreement`` of the samples."""
        # Variance of strangers' mean cosines, relative to that of single ones.
        spread = 1 - self.share * (1 - np.asarray(agreement))
        return np.clip(mean / np.sqrt(spread), -1.0, 1.0)

    def combined(
        self, scale: SimilarityScale, cosines: Sequence[float], samples: Sequence[Template]
    ) -> Combined:
        """The same with what ``scale`` makes of it."""
        cosine = self.cosine(cosines, samples)
        return Combined(cosine, scale.similarity(cosine), scale.supported(cosine))


def agreement(samples: Sequence[Template]) -> float:
    """1/k..1: squared length of the mean of k templates; 1 where they are all the same.

    Raises ReferenceModelMismatch for templates of several networks.
    """
    if len({sample.model for sample in samples}) > 1:
        raise ReferenceModelMismatch("samples of several networks have no average template")
    if len(samples) == 1:
        return 1.0
    mean = np.array([sample.vector for sample in samples], np.float64).mean(axis=0)
    # Templates that point away from one another are no more different than those of strangers.
    return min(1.0, max(1 / len(samples), float((mean**2).sum())))
