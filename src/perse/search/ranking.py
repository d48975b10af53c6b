"""The subjects most similar to a probe, exactly as comparing it with every sample ranks them.

The index tells which samples may be similar; who they are and how similar they are is asked of the
truth. A similarity rises with the cosine that is left when shared damage has been taken off
(``Resemblance.effective``), and nothing is ever added. So nobody whose cosine stays below what the
last one wanted has left can be among those wanted: whatever is known of traits, looking at samples
down to there is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

import numpy as np

from perse.domain.identification import AttributedTemplate
from perse.domain.references import Template
from perse.domain.resemblance import Resemblance, ResemblanceScale
from perse.search.index import RowMask
from perse.search.leaders import Found
from perse.search.quantised import Vectors

_LEAST_LOOKED_AT: Final = 32
_SAMPLES_PER_SUBJECT: Final = 4
_WIDER: Final = 8
# Of cosines: above the rounding of the way from a similarity back to them.
_ROUNDING: Final = 1e-6

Truth = Callable[[Sequence[int]], Mapping[int, AttributedTemplate]]
"""The samples of these numbers that there are now."""


class Index(Protocol):
    """``TemplateIndex``, as far as it is needed here."""

    def search(
        self, vectors: Vectors, floors: Sequence[float], most: int, among: RowMask | None = None
    ) -> list[Found]: ...


@dataclass(frozen=True, slots=True)
class RankSubjects:
    """A stale index costs time and never an error: who is gone, or not among those asked for, is
    not found, and everybody is found as they are now."""

    index: Index
    truth: Truth
    scale: ResemblanceScale

    def __call__(
        self, probes: Sequence[Template], most: int, least: float, among: RowMask | None = None
    ) -> list[list[tuple[str, float]]]:
        """For each probe at most ``most`` subjects and their similarities, which are ``least`` or
        more: the highest first, those that no cosine tells apart by id."""
        floor = self.scale.points.cosine(least) - _ROUNDING
        width = _SAMPLES_PER_SUBJECT * most + _LEAST_LOOKED_AT
        if not probes:
            return []
        vectors = np.stack([probe.vector for probe in probes])
        found = self.index.search(vectors, [floor] * len(probes), width, among)
        looks = [_Look(probe, self.scale, self.truth) for probe in probes]
        for look, first in zip(looks, found, strict=True):
            self._finish(look, first, most, (floor, width), among)
        return [look.ranked(most, least) for look in looks]

    def _finish(
        self,
        look: _Look,
        found: Found,
        most: int,
        asked: tuple[float, int],
        among: RowMask | None,
    ) -> None:
        """Look farther until nobody who was left out can be among those wanted."""
        floor, width = asked
        while not look.suffices(found, most):
            width *= _WIDER
            floor = max(floor, look.bar(most))
            (found,) = self.index.search(look.probe.vector[None], [floor], width, among)


@dataclass(slots=True)
class _Look:
    """What one probe has been compared with."""

    probe: Template
    scale: ResemblanceScale
    truth: Truth
    _seen: set[int] = field(default_factory=set)
    _best: dict[str, Resemblance] = field(default_factory=dict)

    def suffices(self, found: Found, most: int) -> bool:
        """Whether, after those found have been looked at as far as needed, nobody else can be among
        the ``most`` wanted."""
        for start in range(0, len(found.numbers), most):
            if self.bar(most) > found.ceilings[start]:
                return True
            self._look_at(found.numbers[start : start + most].tolist())
        return found.rest == -inf or self.bar(most) > found.rest

    def _look_at(self, numbers: Sequence[int]) -> None:
        new = [number for number in numbers if number not in self._seen]
        self._seen.update(new)
        for sample in self.truth(new).values():
            resemblance = self.scale.resemblance(self.probe, sample.template)
            best = self._best.get(sample.subject)
            if resemblance.assessable and (not best or resemblance.effective > best.effective):
                self._best[sample.subject] = resemblance

    def bar(self, most: int) -> float:
        """The effective cosine that somebody must have to be among those wanted."""
        ordered = self._ordered()
        return ordered[most - 1][1].effective if len(ordered) >= most else -inf

    def ranked(self, most: int, least: float) -> list[tuple[str, float]]:
        leading = [(subject, best.similarity) for subject, best in self._ordered()[:most]]
        return [(subject, similarity) for subject, similarity in leading if similarity >= least]

    def _ordered(self) -> list[tuple[str, Resemblance]]:
        return sorted(self._best.items(), key=lambda it: (-it[1].effective, it[0]))
