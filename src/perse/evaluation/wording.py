"""Numbers and results in words: the same in the terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping

from perse.evaluation.error_rates import two_digits
from perse.evaluation.intervals import Interval
from perse.evaluation.results import ComparisonResult, LivenessResult, Rate

INTERVALS = (
    "Intervals are 95 %, by bootstrap over people: people are drawn anew, not pairs, because the "
    "pairs of one person stand or fall together. Where no error was seen, the upper end is the "
    "rule of three's."
)


def percent(share: float) -> str:
    """0.0123 -> "1.23 %"."""
    return f"{share * 100:.2f} %"


def interval(ends: Interval) -> str:
    """Low and high end, in percent."""
    return f"{ends.low * 100:.2f}–{ends.high * 100:.2f} %"


def rate(found: Rate | None) -> str:
    """Share with its interval, in percent; "not told" without trials."""
    return "not told" if found is None else f"{percent(found.share)} ({interval(found.interval)})"


def small_rate(found: Rate | None) -> str:
    """The same in powers of ten, as FMR is told."""
    if found is None:
        return "not told"
    ends = found.interval
    return f"{two_digits(found.share)} ({two_digits(ends.low)}–{two_digits(ends.high)})"


def counted(found: Rate) -> str:
    """Errors of trials."""
    return f"{found.errors:,} of {found.trials:,}"


def carries(result: ComparisonResult) -> str:
    """What the rule of three lets so many pairs say."""
    return (
        f"{result.non_mated_pairs:,} non-mated pairs support FMR "
        f"{two_digits(result.smallest_supported_fmr)} and above, by the rule of three."
    )


def basis(result: ComparisonResult) -> str:
    """What was compared."""
    return (
        f"{result.files:,} files of {result.people:,} people: {result.mated_pairs:,} mated and "
        f"{result.non_mated_pairs:,} non-mated pairs"
    )


def liveness_basis(result: LivenessResult) -> str:
    """What was presented."""
    return (
        f"{result.files:,} files of {result.people:,} people: {result.bona_fide:,} bona fide "
        f"presentations and {result.attacks:,} attacks were scored"
    )


def networks(names: Mapping[str, str]) -> str:
    """Network by network, with its role."""
    return ", ".join(f"{name} ({role.replace('_', ' ')})" for role, name in names.items())
