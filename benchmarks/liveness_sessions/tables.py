"""What passed, why the rest did not, and where the operating points may lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.liveness_sessions.motion import motion_of
from benchmarks.liveness_sessions.running import Session
from perse.domain.session_frames import SessionJudgement, SessionKind
from perse.domain.session_judgement import SessionRules, judge

_Z = 1.959964  # of 95 %
_QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


def print_cost(spent_s: Mapping[str, float]) -> None:
    frames = spent_s["frames"]
    parts = {part: 1000 * s / frames for part, s in spent_s.items() if part != "frames"}
    told = ", ".join(f"{part} {ms:.1f}" for part, ms in parts.items())
    print(f"{frames:.0f} frames, processor ms a frame: {told}; all {sum(parts.values()):.1f}")


def print_table(
    kept: Mapping[str, Sequence[Session]],
    rules: SessionRules,
    kinds: Sequence[SessionKind] = tuple(SessionKind),
) -> None:
    for kind in kinds:
        print(f"\n{kind}\n{'':32}{'passed':>10}  {'95 % interval':18}why not")
        for name, sessions in kept.items():
            judged = [judged_as(kind, session, rules) for session in sessions]
            print(_row(name, judged))


def judged_as(kind: SessionKind, session: Session, rules: SessionRules) -> SessionJudgement:
    """A session that was asked for movements holds one that was not: what came before them."""
    if kind is SessionKind.HEAD_TURNS:
        return judge(kind, session.prompts, session.frames, rules)
    end = session.prompts[1].at_s if len(session.prompts) > 1 else float("inf")
    frames = [it for it in session.frames if it.at_s < end]
    return judge(kind, session.prompts[:1], frames, rules)


def _row(name: str, judged: Sequence[SessionJudgement]) -> str:
    passed = sum(it.passed for it in judged)
    low, high = wilson(passed, len(judged))
    reasons = Counter(reason for it in judged for reason in it.reasons)
    why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    share = f"{passed} of {len(judged)}"
    interval = f"{100 * low:.0f} to {100 * high:.0f} %"
    return f"{name:32}{share:>10}  {interval:18}{why}"


_SCORES = ("pad", "same_face", "relief", "unbent_relief", "longest_answer_s")
_MOTION = (
    *("ahead_degrees", "yaw_degrees", "pitch_degrees", "closer", "reaction_s", "answer_s"),
    *("longest_gap_s", "clock_drift_s", "degrees_per_s", "widths_per_s", "growth_per_s"),
)


def print_fit(kept: Mapping[str, Sequence[Session]], rules: SessionRules) -> None:
    """The spread of all that has an operating point, by what was held before the camera."""
    measured = {
        name: [_measured(session, rules) for session in sessions] for name, sessions in kept.items()
    }
    for told in (*_SCORES, *_MOTION):
        limit = getattr(rules.points, told, None)
        shown = told if limit is None else f"{told} (limit {limit:g})"
        print(f"\n{shown:32}{'known':>8}" + "".join(f"{100 * q:>8.0f} %" for q in _QUANTILES))
        for name, sessions in measured.items():
            known = [it[told] for it in sessions if told in it]
            if known:
                row = "".join(f"{it:>10.2f}" for it in np.quantile(known, _QUANTILES))
                print(f"{name:32}{len(known):>4}/{len(sessions):<3}{row}")


def _measured(session: Session, rules: SessionRules) -> Mapping[str, float]:
    judged = judge(SessionKind.HEAD_TURNS, session.prompts, session.frames, rules)
    scores = {name: getattr(judged.scores, name) for name in _SCORES}
    known = {name: value for name, value in scores.items() if value is not None}
    return {**known, **motion_of(session, rules.points)}


def wilson(passed: int, tried: int) -> tuple[float, float]:
    """95 % interval of a share, Wilson 1927; for few trials and for shares of 0 and 1 too."""
    share, weight = passed / max(tried, 1), _Z**2 / max(tried, 1)
    middle = (share + weight / 2) / (1 + weight)
    half = _Z * np.sqrt(share * (1 - share) / max(tried, 1) + weight / max(tried, 1) / 4)
    half = float(half / (1 + weight))
    return max(0.0, middle - half), min(1.0, middle + half)
