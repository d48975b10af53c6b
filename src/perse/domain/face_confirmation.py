"""Whether a detection is a face at all, and which way up it stands.

A detector scores every detection by one look at the whole picture. Where that score is clear there
is a face, and it stands upright. Where it is not, the place is looked at from close by, righted by
each quarter turn: a face is seen alike at every size and in the mirror when it stands upright, an
animal or a power socket is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class CloseLook:
    """What is seen of a place righted by one quarter turn.

    ``score``: 0..1, the detector's mean over its views, 0 for a view without a face.
    ``log_odds``: of a face, by a second network; None where the pack has none or nothing was seen.
    """

    score: float
    log_odds: float | None = None


@dataclass(frozen=True, slots=True)
class ConfirmationRule:
    """Measured limits; scores 0..1 and log odds, higher = more surely an upright face.

    ``clear_glance``: the search's score from which nothing more is asked. ``clear_look``: the same
    for the score of a close look at the picture as sent, unless its log odds are lower than
    ``least_log_odds``. ``sure_look``: the score of a close look
    that makes a face by itself; ``least_look`` makes one together with ``least_log_odds``, as burnt
    out faces need. ``odds_worth``: what one of the log odds adds to a score when the ways up are
    compared. ``turn_margin``: by how much a turned picture must be better than the one sent.
    """

    clear_glance: float
    clear_look: float
    sure_look: float
    least_look: float
    least_log_odds: float
    odds_worth: float
    turn_margin: float

    def __post_init__(self) -> None:
        looks = (0.0, self.least_look, self.sure_look, self.clear_look, 1.0)
        if list(looks) != sorted(looks) or not 0 <= self.clear_glance <= 1:
            raise InvalidParameter(f"not a rule of confirmation: {self}")
        if min(self.odds_worth, self.turn_margin) < 0:
            raise InvalidParameter("what odds are worth and a margin are not negative")

    def is_clear(self, look: CloseLook) -> bool:
        """Whether a look at the picture as sent settles that there is an upright face."""
        doubted = look.log_odds is not None and look.log_odds < self.least_log_odds
        return look.score >= self.clear_look and not doubted

    def standing(self, looks: Sequence[CloseLook]) -> int | None:
        """At which quarter turn a face stands; None where there is none.

        ``looks``: one for each quarter turn, in order; the first is the picture as sent, which
        wins where no other is better by the margin.
        """
        worths = [self._worth(look) for look in looks]
        best = max(range(len(worths)), key=worths.__getitem__)
        turns = best if worths[best] - worths[0] > self.turn_margin else 0
        return turns if self._is_face(looks[turns]) else None

    def _worth(self, look: CloseLook) -> float:
        return look.score + self.odds_worth * (look.log_odds or 0.0)

    def _is_face(self, look: CloseLook) -> bool:
        if look.score >= self.sure_look:
            return True
        seconded = look.log_odds is not None and look.log_odds >= self.least_log_odds
        return seconded and look.score >= self.least_look
