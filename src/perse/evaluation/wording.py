"""Numbers and results in words: the same in the terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping

from perse.domain.decisions import fmr_key
from perse.evaluation.error_rates import two_digits
from perse.evaluation.intervals import Interval
from perse.evaluation.results import ComparisonResult, LivenessResult, Rate
from perse.evaluation.search_results import IdentificationResult

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


def search_basis(result: IdentificationResult) -> str:
    """What was searched."""
    return (
        f"{result.files:,} files of {result.people:,} people: {result.mated_searches:,} searches "
        f"for people who are among {result.gallery_people:,}, and "
        f"{result.non_mated_searches:,} for people who are not"
    )


def search_support(result: IdentificationResult) -> str:
    """What the rule of three lets so many people say, and what the operating points carry."""
    text = (
        f"Searches for {result.gallery_people:,} people support FPIR "
        f"{two_digits(result.smallest_supported_fpir)} and above in galleries of this size, by "
        "the rule of three."
    )
    served = result.served
    if served is None:
        return text
    carried = f"up to {served.largest_supported:,} samples at FPIR {fmr_key(served.fpir)}"
    but = "" if served.supported else ", fewer than are searched here: supported is false"
    return f"{text} The operating points in use carry galleries of {carried}{but}."


def networks(names: Mapping[str, str]) -> str:
    """Network by network, with its role."""
    return ", ".join(f"{name} ({role.replace('_', ' ')})" for role, name in names.items())
