"""Evaluations in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perse.domain.decisions import fmr_key
from perse.evaluation.results import (
    ComparisonResult,
    Failure,
    LivenessResult,
    NamedPair,
    NamedScore,
    PadRates,
)
from perse.evaluation.wording import (
    basis,
    counted,
    interval,
    liveness_basis,
    networks,
    percent,
    rate,
    small_rate,
)

_SHOWN = 5
FOOT = "Intervals are 95 %, by bootstrap over people."


def show_comparison(result: ComparisonResult, console: Console) -> None:
    """Rates by target, at the server's threshold, by group, and the worst pairs."""
    say = Speaker(console)
    say(f"{basis(result)}; {networks(result.provenance.networks)}")
    say(f"Failure to acquire: {rate(result.failure_to_acquire)}")
    show_failures(result.failures, say)
    if result.equal_error_rate is not None and result.equal_error_rate_interval is not None:
        ends = interval(result.equal_error_rate_interval)
        say(f"Equal error rate: {percent(result.equal_error_rate)} ({ends})")
    console.print(_points(result))
    for point in result.points:
        if point.refused:
            say(f"  {fmr_key(point.target_fmr)}: refused, {point.refused}")
    if result.fnmr_with_failures is not None:
        say(
            f"FNMR at FMR {fmr_key(result.decision_fmr or 1)}, pairs lost to failures counted as "
            f"non-matches: {percent(result.fnmr_with_failures)}"
        )
    if result.groups:
        console.print(_groups(result))
    if result.treated:
        console.print(_treated(result))
    show_pairs("Highest non-mated scores that match", result.worst_false_matches, say)
    show_pairs("Lowest mated scores that do not", result.worst_false_non_matches, say)
    for note in (*result.notes, FOOT):
        say(note)


def show_liveness(result: LivenessResult, console: Console) -> None:
    """Rates at fixed BPCER and at the server's threshold, by species, and the worst files."""
    say = Speaker(console)
    say(f"{liveness_basis(result)}; {networks(result.provenance.networks)}")
    say(f"No face found: bona fide {rate(result.bona_fide_non_response)}, attacks "
        f"{rate(result.attack_non_response)}")  # fmt: skip
    show_failures(result.failures, say)
    console.print(_pad_points(result))
    for point in result.points:
        if point.refused:
            say(f"  BPCER {percent(point.bpcer)}: refused, {point.refused}")
    if result.decision:
        console.print(_species(result.decision, result))
    if result.groups:
        console.print(_pad_groups(result))
    _show_scores("Attacks taken for live, highest first", result.worst_attacks, say)
    _show_scores("Live taken for attacks, lowest first", result.worst_bona_fide, say)
    for note in (*result.notes, FOOT):
        say(note)


class Speaker:
    """Plain lines, whatever brackets a file name holds."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _points(result: ComparisonResult) -> Table:
    table = Table("at FMR", "threshold", "FMR (95 %)", "FNMR (95 %)", box=None, padding=(0, 2))
    for point in result.points:
        if point.rates is None:
            continue
        at = point.rates
        table.add_row(
            fmr_key(point.target_fmr), f"{at.threshold:.4f}", small_rate(at.fmr), rate(at.fnmr)
        )
    if result.served and result.served_fmr:
        at = result.served
        stated = f"server, {fmr_key(result.served_fmr)}"
        table.add_row(
            stated, f"{at.threshold:.4f}", small_rate(at.fmr), rate(at.fnmr), style="bold"
        )
    return table


def _treated(result: ComparisonResult) -> Table:
    title = "Both pictures treated alike, at the server's threshold"
    table = Table("", "no template", "cannot tell", "FMR", "FNMR", title=title, box=None)
    for treated in result.treated:
        at = treated.rates
        table.add_row(
            escape(treated.treatment),
            rate(treated.failure_to_acquire),
            rate(treated.not_assessable),
            small_rate(at.fmr if at else None),
            rate(at.fnmr if at else None),
        )
    return table


def _groups(result: ComparisonResult) -> Table:
    title = f"At FMR {fmr_key(result.decision_fmr)}" if result.decision_fmr else None
    table = Table("group", "people", "no template", "FMR", "FNMR", title=title, box=None)
    for group in result.groups:
        table.add_row(
            escape(f"{group.attribute} {group.value}"),
            f"{group.people:,}",
            rate(group.failure_to_acquire),
            small_rate(group.fmr),
            rate(group.fnmr),
        )
    return table


def _pad_points(result: LivenessResult) -> Table:
    table = Table("at BPCER", "threshold", "BPCER", "worst APCER", "species", "ACER", box=None)
    for point in result.points:
        if point.rates:
            table.add_row(percent(point.bpcer), *_pad_cells(point.rates))
    if result.served:
        table.add_row("server", *_pad_cells(result.served), style="bold")
    return table


def _pad_cells(at: PadRates) -> tuple[str, ...]:
    threshold = f"{at.threshold:.4f}"
    return threshold, rate(at.bpcer), rate(at.apcer), escape(at.worst_species), percent(at.acer)


def _species(at: PadRates, result: LivenessResult) -> Table:
    table = Table("species", f"APCER at {at.threshold:.4f}", "attacks", "EER", box=None)
    for species in at.species:
        table.add_row(
            escape(species.species),
            rate(species.apcer),
            counted(species.apcer),
            percent(result.equal_error_rates[species.species]),
        )
    return table


def _pad_groups(result: LivenessResult) -> Table:
    table = Table("group", "people", "APCER", "BPCER", box=None)
    for group in result.groups:
        name = escape(f"{group.attribute} {group.value}")
        table.add_row(name, f"{group.people:,}", rate(group.apcer), rate(group.bpcer))
    return table


def show_failures(failures: Sequence[Failure], say: Speaker) -> None:
    """The first few."""
    for failure in failures[:_SHOWN]:
        say(f"  {failure.file}: {failure.code}")
    if len(failures) > _SHOWN:
        say(f"  and {len(failures) - _SHOWN:,} more: --json or --report lists them all")


def show_pairs(title: str, pairs: Sequence[NamedPair], say: Speaker) -> None:
    """The first few, under a title that asks to look at them."""
    if pairs:
        say(f"{title} (look at them: is the label right?):")
    for pair in pairs[:_SHOWN]:
        say(f"  {pair.score:.4f}  {pair.first}  {pair.second}")


def _show_scores(title: str, files: Sequence[NamedScore], say: Speaker) -> None:
    if files:
        say(f"{title}:")
    for file in files[:_SHOWN]:
        say(f"  {file.score:.4f}  {file.file}")
