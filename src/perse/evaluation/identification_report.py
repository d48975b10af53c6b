"""The report of an identification evaluation."""

from __future__ import annotations

from markupsafe import Markup

from perse.domain.decisions import fmr_key
from perse.evaluation import plots
from perse.evaluation.report_parts import (
    cards,
    failures_table,
    page,
    paragraph,
    refused_row,
    row,
    section,
    table,
)
from perse.evaluation.report_parts import plots as plot_grid
from perse.evaluation.search_results import IdentificationResult, SearchRates
from perse.evaluation.searches import Searches
from perse.evaluation.wording import (
    INTERVALS,
    counted,
    interval,
    percent,
    rate,
    search_basis,
    search_support,
)


def identification_page(result: IdentificationResult, searches: Searches) -> str:
    """Needs matplotlib."""
    marks = {"identify now": result.served.rates.threshold} if result.served else {}
    drawings = (
        (plots.search_rates_by_threshold(searches, marks), "Both rates by threshold."),
        (
            plots.search_trade_off(searches, result.candidates),
            "What a rate of false positive searches costs in persons who are not found.",
        ),
    )
    return page(
        "Identification: error rates",
        result.provenance,
        (
            cards(_facts(result)),
            section(
                "Error rates",
                paragraph(f"{search_basis(result)}."),
                _points(result),
                paragraph(search_support(result), soft=True),
                paragraph(INTERVALS, soft=True),
                *(paragraph(note, soft=True) for note in result.notes),
            ),
            section("By threshold", plot_grid(drawings)),
            section("By rank, at any score", _ranks(result)),
            section("Nearest strangers that are found", _worst(result)),
            section("Files that gave no template", failures_table(result.failures)),
        ),
    )


def _facts(result: IdentificationResult) -> list[tuple[str, str, str]]:
    facts = [
        ("Gallery", f"{result.gallery_people:,}", f"people, {result.gallery_files:,} files"),
        ("Searches", f"{result.mated_searches + result.non_mated_searches:,}",
         f"{result.mated_searches:,} mated, {result.non_mated_searches:,} non-mated"),
        ("Failure to acquire", percent(result.failure_to_acquire.share),
         counted(result.failure_to_acquire)),
    ]  # fmt: skip
    if result.served:
        for name, found in (("FPIR", result.served.rates.fpir), ("FNIR", result.served.rates.fnir)):
            facts.append((f"{name} of identify", percent(found.share), interval(found.interval)))
    return facts


def _points(result: IdentificationResult) -> Markup:
    headings = ("at FPIR", "threshold", "similarity", "FPIR measured", "FNIR, first",
                f"FNIR, {result.candidates} candidates")  # fmt: skip
    rows = [
        row(_cells(fmr_key(point.target_fpir), point.rates))
        if point.rates
        else refused_row(fmr_key(point.target_fpir), point.refused, len(headings))
        for point in result.points
    ]
    if result.served:
        name = f"identify now, asked for {fmr_key(result.served.fpir)}"
        rows.append(row(_cells(name, result.served.rates), served=True))
    return table(headings, rows)


def _cells(name: str, at: SearchRates) -> tuple[str, ...]:
    similarity = "" if at.similarity is None else f"{at.similarity:.3f}"
    rates = rate(at.fpir), rate(at.fnir_first), rate(at.fnir)
    return name, f"{at.threshold:.4f}", similarity, *rates


def _ranks(result: IdentificationResult) -> Markup:
    headings = ("person not among the first", "share of mated searches", "searches")
    rows = (row((str(at.rank), rate(at.missed), counted(at.missed))) for at in result.ranks)
    return table(headings, rows)


def _worst(result: IdentificationResult) -> Markup:
    rows = (
        row((f"{pair.score:.4f}", pair.first, pair.second), file_columns=2)
        for pair in result.worst_false_candidates
    )
    return table(("score", "searched for", "found"), rows)
