"""The subjects most similar to a probe, exactly as comparing it with every sample ranks them.

The index tells which samples may be similar; who they are and how similar they are is asked of the
truth. A similarity rises with what is left of the cosine (``Resemblance.effective``), and a probe
knows how much that can be at most (``Likeness.most_effective``). So nobody of whose cosine no more
can be left than the last one wanted has can be among those wanted: whatever is known of captures,
looking at samples down to there is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

import numpy as np

from perse.domain.identification import AttributedTemplate
from perse.domain.likeness import Likeness
from perse.domain.resemblance import Resemblance
from perse.search.leaders import Found
from perse.search.quantised import Vectors
from perse.search.row_mask import RowMask

_LEAST_LOOKED_AT: Final = 32
_SAMPLES_PER_SUBJECT: Final = 4
_WIDER: Final = 8
# Of cosines: above the rounding of the way from a similarity back to them.
_ROUNDING: Final = 1e-6

Truth = Callable[[Sequence[int]], Iterable[AttributedTemplate]]
"""Where templates come from: the samples of these numbers that there are now. A number may stand
for all samples of a subject."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A subject by its ``best`` sample; ``similarity`` to that one, 0..1."""

    best: AttributedTemplate
    similarity: float

    @property
    def subject(self) -> str:
        return self.best.subject


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

    def __call__(
        self, probes: Sequence[Likeness], most: int, least: float, among: RowMask | None = None
    ) -> list[list[Ranked]]:
        """For each probe at most ``most`` subjects whose similarities are ``least`` or more: the
        highest first, those that no cosine tells apart by id."""
        width = _SAMPLES_PER_SUBJECT * most + _LEAST_LOOKED_AT
        if not probes:
            return []
        vectors = np.stack([probe.template.vector for probe in probes])
        floors = [_lowered(probe.least_cosine(probe.points.cosine(least))) for probe in probes]
        found = self.index.search(vectors, floors, width, among)
        looks = [_Look(probe, self.truth) for probe in probes]
        for look, first, floor in zip(looks, found, floors, strict=True):
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
            floor = max(floor, _lowered(look.probe.least_cosine(look.bar(most))))
            vectors = look.probe.template.vector[None]
            (found,) = self.index.search(vectors, [floor], width, among)


def _lowered(cosine: float) -> float:
    return cosine - _ROUNDING


@dataclass(slots=True)
class _Look:
    """What one probe has been compared with."""

    probe: Likeness
    truth: Truth
    _seen: set[int] = field(default_factory=set)
    _best: dict[str, tuple[Resemblance, AttributedTemplate]] = field(default_factory=dict)

    def suffices(self, found: Found, most: int) -> bool:
        """Whether, after those found have been looked at as far as needed, nobody else can be among
        the ``most`` wanted."""
        for start in range(0, len(found.numbers), most):
            if self.bar(most) > self.probe.most_effective(float(found.ceilings[start])):
                return True
            self._look_at(found.numbers[start : start + most].tolist())
        return found.rest == -inf or self.bar(most) > self.probe.most_effective(found.rest)

    def _look_at(self, numbers: Sequence[int]) -> None:
        new = [number for number in numbers if number not in self._seen]
        self._seen.update(new)
        for sample in self.truth(new):
            resemblance = self.probe.resemblance(sample)
            best = self._best.get(sample.subject)
            if resemblance.assessable and (not best or resemblance.effective > best[0].effective):
                self._best[sample.subject] = resemblance, sample

    def bar(self, most: int) -> float:
        """The effective cosine that somebody must have to be among those wanted."""
        ordered = self._ordered()
        return ordered[most - 1][0].effective if len(ordered) >= most else -inf

    def ranked(self, most: int, least: float) -> list[Ranked]:
        leading = [Ranked(sample, how.similarity) for how, sample in self._ordered()[:most]]
        return [it for it in leading if it.similarity >= least]

    def _ordered(self) -> list[tuple[Resemblance, AttributedTemplate]]:
        return sorted(self._best.values(), key=lambda it: (-it[0].effective, it[1].subject))
