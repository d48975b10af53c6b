"""Evaluations of identification in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from perse.cli.evaluation_tables import FOOT, Speaker, show_failures, show_pairs
from perse.domain.decisions import fmr_key
from perse.evaluation.search_results import IdentificationResult, SearchRates
from perse.evaluation.wording import networks, rate, search_basis, search_support


def show_identification(result: IdentificationResult, console: Console) -> None:
    """Rates by target and as ``identify`` is now, by rank, and the nearest strangers found."""
    say = Speaker(console)
    say(f"{search_basis(result)}; {networks(result.provenance.networks)}")
    say(f"Failure to acquire: {rate(result.failure_to_acquire)}")
    show_failures(result.failures, say)
    console.print(_points(result))
    for point in result.points:
        if point.refused:
            say(f"  {fmr_key(point.target_fpir)}: refused, {point.refused}")
    console.print(_ranks(result))
    show_pairs("Nearest strangers that are found", result.worst_false_candidates, say)
    for note in (search_support(result), *result.notes, FOOT):
        say(note)


def _points(result: IdentificationResult) -> Table:
    among = f"FNIR, first {result.candidates}"
    headings = ("at FPIR", "threshold", "similarity", "FPIR (95 %)", "FNIR, first", among)
    table = Table(*headings, box=None, padding=(0, 2))
    for point in result.points:
        if point.rates:
            table.add_row(fmr_key(point.target_fpir), *_cells(point.rates))
    if result.served:
        name = f"identify, {fmr_key(result.served.fpir)}"
        table.add_row(name, *_cells(result.served.rates), style="bold")
    return table


def _cells(at: SearchRates) -> tuple[str, ...]:
    similarity = "" if at.similarity is None else f"{at.similarity:.3f}"
    rates = rate(at.fpir), rate(at.fnir_first), rate(at.fnir)
    return f"{at.threshold:.4f}", similarity, *rates


def _ranks(result: IdentificationResult) -> Table:
    table = Table("not among the first", "share of mated searches", box=None, padding=(0, 2))
    for at in result.ranks:
        table.add_row(str(at.rank), rate(at.missed))
    return table
