"""Finding faces that are faces, whichever way up they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from perse.domain.face_confirmation import ConfirmationRule
from perse.domain.geometry import DetectedFace
from perse.domain.orientation import QUARTER_TURNS, Righting, righted
from perse.domain.samples import FaceImage, ModelName
from perse.pipelines.face_search import MultiScaleDetector, distinct
from perse.pipelines.ports import SecondLook

# Detections that are looked at again, the largest first, so that no crowd makes this slow. The
# others stand as the search found them, unless most of these stand otherwise.
MOST_LOOKED_AT: Final = 8
# A picture is turned on its side more often than upside down.
_LIKELY_TURNS: Final = (1, 3, 2)


@dataclass(frozen=True, slots=True)
class _Judged:
    """Of one search: the faces that stand upright in it, and at which turns others stand."""

    upright: list[DetectedFace]
    turns: set[int]


@dataclass(frozen=True, slots=True)
class UprightSearch:
    """The search, with a second look at every detection whose score is not clear.

    What is no face is left out. Where a face stands turned, or a glance finds nothing until the
    picture is turned, the picture is searched turned; faces are reported in the picture as sent.
    Satisfies FaceDetector.
    """

    search: MultiScaleDetector
    second_look: SecondLook
    rule: ConfirmationRule

    @property
    def model(self) -> ModelName:
        return self.search.model

    def detect(self, image: FaceImage) -> Sequence[DetectedFace]:
        """Every confirmed face, best score first, also those cut by the border."""
        judged = self._judged(image, self.search.detect(image))
        found = distinct([*judged.upright, *self._standing_at(image, judged.turns)])
        return found or distinct(list(self._standing_at(image, self._turns_of(image))))

    def _turns_of(self, image: FaceImage) -> set[int]:
        """At which turn the faces of a picture stand in which none was found; empty for none."""
        for turn in _LIKELY_TURNS:
            turned = righted(image, turn)
            judged = self._judged(turned, self.search.glance(turned))
            if judged.upright:
                return {turn}
            if judged.turns:
                return {(turn + further) % QUARTER_TURNS for further in judged.turns}
        return set()

    def _standing_at(self, image: FaceImage, turns: Iterable[int]) -> Iterator[DetectedFace]:
        for turn in sorted(turns):
            turned, way = righted(image, turn), Righting.of(image, turn)
            yield from map(way.as_sent, self._judged(turned, self.search.detect(turned)).upright)

    def _judged(self, image: FaceImage, found: Sequence[DetectedFace]) -> _Judged:
        clear = [face for face in found if face.score >= self.rule.clear_glance]
        unclear = sorted(
            (face for face in found if face.score < self.rule.clear_glance),
            key=lambda face: -face.box.area,
        )
        asked, unasked = unclear[:MOST_LOOKED_AT], unclear[MOST_LOOKED_AT:]
        stands = [self._standing(image, face) for face in asked]
        upright = clear + [face for face, turn in zip(asked, stands, strict=True) if turn == 0]
        turned = [turn for turn in stands if turn]
        if stands.count(0) >= len(turned):
            upright += unasked
        return _Judged(sorted(upright, key=lambda face: -face.score), set(turned))

    def _standing(self, image: FaceImage, face: DetectedFace) -> int | None:
        """The quarter turn at which the face stands; None where there is no face."""
        first = self.second_look.look(image, face.box, 0)
        if self.rule.is_clear(first):
            return 0
        others = (self.second_look.look(image, face.box, turn) for turn in range(1, QUARTER_TURNS))
        return self.rule.standing([first, *others])
