"""The report of a face or voice evaluation: one HTML page with everything that it found."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from perse.domain.decisions import fmr_key
from perse.evaluation import plots
from perse.evaluation.comparison_rates import Curves
from perse.evaluation.report_parts import (
    cards,
    failures_table,
    figure,
    page,
    paragraph,
    refused_row,
    row,
    section,
    table,
)
from perse.evaluation.report_parts import plots as plot_grid
from perse.evaluation.results import (
    ComparisonResult,
    NamedPair,
    RatesAtThreshold,
)
from perse.evaluation.wording import (
    INTERVALS,
    basis,
    carries,
    counted,
    interval,
    percent,
    rate,
    small_rate,
)

_CHECK_LABELS = (
    "Look at these first: a wrong label, two people in a picture or a duplicate counts as an error "
    "of the network."
)


def comparison_page(result: ComparisonResult, curves: Curves) -> str:
    """The report of a face or voice evaluation. Needs matplotlib."""
    marks = _marks(result)
    quality = plots.discard_curves(result.quality) if result.quality else ""
    return page(
        f"{result.provenance.kind.capitalize()} comparison: error rates",
        result.provenance,
        (
            cards(_comparison_facts(result)),
            section(
                "Error rates",
                _points_table(result),
                paragraph(carries(result), soft=True),
                paragraph(INTERVALS, soft=True),
                *(paragraph(note, soft=True) for note in result.notes),
            ),
            section("Scores and thresholds", _comparison_plots(curves, marks)),
            section("Pictures treated alike", *_treated(result)),
            section("Groups", _groups_table(result), _groups_note(result)),
            section(
                "Quality against error",
                figure(quality),
                paragraph(_quality_note(result) if quality else "", soft=True),
            ),
            section("Worst false matches", *_pairs(result.worst_false_matches)),
            section("Worst false non-matches", *_pairs(result.worst_false_non_matches)),
            section("Files that gave no template", failures_table(result.failures)),
        ),
    )


def _comparison_facts(result: ComparisonResult) -> list[tuple[str, str, str]]:
    facts = [
        ("People", f"{result.people:,}", f"{result.files:,} files"),
        ("Pairs", f"{result.mated_pairs + result.non_mated_pairs:,}",
         f"{result.mated_pairs:,} mated, {result.non_mated_pairs:,} non-mated"),
        ("Failure to acquire", percent(result.failure_to_acquire.share),
         counted(result.failure_to_acquire)),
    ]  # fmt: skip
    if result.equal_error_rate is not None and result.equal_error_rate_interval is not None:
        ends = interval(result.equal_error_rate_interval)
        facts.append(("Equal error rate", percent(result.equal_error_rate), ends))
    if result.decision and result.decision_fmr:
        name = f"FNMR at FMR {fmr_key(result.decision_fmr)}"
        ends = interval(result.decision.fnmr.interval)
        facts.append((name, percent(result.decision.fnmr.share), ends))
    if result.fnmr_with_failures is not None:
        facts.append(("… counting failures", percent(result.fnmr_with_failures), "as non-matches"))
    return facts


def _points_table(result: ComparisonResult) -> Markup:
    headings = ("at FMR", "threshold", "FMR measured", "FNMR", "false matches", "false non-matches")
    rows = [
        row(_rates_cells(fmr_key(point.target_fmr), point.rates))
        if point.rates
        else refused_row(fmr_key(point.target_fmr), point.refused, len(headings))
        for point in result.points
    ]
    if result.served and result.served_fmr:
        name = f"server now, stated {fmr_key(result.served_fmr)}"
        rows.append(row(_rates_cells(name, result.served), served=True))
    return paragraph(f"{basis(result)}.") + table(headings, rows)


def _rates_cells(name: str, at: RatesAtThreshold) -> tuple[str, ...]:
    counts = counted(at.fmr), counted(at.fnmr)
    return name, f"{at.threshold:.4f}", small_rate(at.fmr), rate(at.fnmr), *counts


def _comparison_plots(curves: Curves, marks: Mapping[str, float]) -> Markup:
    return plot_grid(
        (
            (plots.score_histograms(curves, marks), "How scores of mated and non-mated pairs lie."),
            (
                plots.det_curve(curves),
                "DET curve: what an FMR costs in FNMR, with the 95 % band.",
            ),
            (plots.rates_by_threshold(curves, marks), "Both rates by threshold, with 95 % bands."),
        )
    )


def _groups_table(result: ComparisonResult) -> Markup:
    return table(
        ("attribute", "group", "people", "failure to acquire", "FMR", "FNMR"),
        (
            row(
                (
                    group.attribute,
                    group.value,
                    f"{group.people:,}",
                    rate(group.failure_to_acquire),
                    small_rate(group.fmr),
                    rate(group.fnmr),
                )
            )
            for group in result.groups
        ),
    )


def _treated(result: ComparisonResult) -> tuple[Markup, ...]:
    if not result.treated:
        return ()
    rows = (
        row(
            (
                treated.treatment,
                rate(treated.failure_to_acquire),
                rate(treated.not_assessable),
                small_rate(treated.rates.fmr if treated.rates else None),
                rate(treated.rates.fnmr if treated.rates else None),
            )
        )
        for treated in result.treated
    )
    headings = ("treatment", "failure to acquire", "not assessable", "FMR", "FNMR")
    note = "Both pictures of every pair treated alike, at the threshold that the server uses now."
    return table(headings, rows), paragraph(note, soft=True)


def _groups_note(result: ComparisonResult) -> Markup:
    if not result.groups or not result.decision:
        return Markup()
    return paragraph(
        f"All at one threshold, {result.decision.threshold:.4f}; both files of a pair are of the "
        "group. Groups whose intervals overlap have not been shown to differ.",
        soft=True,
    )


def _quality_note(result: ComparisonResult) -> str:
    threshold = result.decision.threshold if result.decision else 0.0
    return (
        f"FNMR at the threshold {threshold:.4f} when the worst pairs by one measure are set aside; "
        "a pair is as good as the worse of its files. A curve that falls says that asking for that "
        "quality would help; a level one, that it would only turn people away."
    )


def _pairs(pairs: tuple[NamedPair, ...]) -> tuple[Markup, ...]:
    rows = [row((f"{pair.score:.4f}", pair.first, pair.second), file_columns=2) for pair in pairs]
    listed = table(("score", "file", "file"), rows)
    return (paragraph(_CHECK_LABELS, soft=True), listed) if listed else ()


def _marks(result: ComparisonResult) -> dict[str, float]:
    marks = {}
    if result.decision and result.decision_fmr:
        marks[f"FMR {fmr_key(result.decision_fmr)} here"] = result.decision.threshold
    if result.served:
        marks["server now"] = result.served.threshold
    return marks
