"""The report of a liveness evaluation: one HTML page with everything that it found."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from perse.evaluation import plots
from perse.evaluation.liveness_rates import PadScores
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
from perse.evaluation.results import (
    LivenessResult,
    PadRates,
)
from perse.evaluation.wording import (
    INTERVALS,
    counted,
    interval,
    liveness_basis,
    percent,
    rate,
)


def liveness_page(result: LivenessResult, scores: PadScores) -> str:
    """The report of a liveness evaluation. Needs matplotlib."""
    marks = _pad_marks(result)
    return page(
        "Liveness: error rates",
        result.provenance,
        (
            cards(_liveness_facts(result)),
            section(
                "Error rates",
                _pad_points_table(result),
                paragraph("APCER is that of the worst attack species, named beside it.", soft=True),
                paragraph(INTERVALS, soft=True),
                *(paragraph(note, soft=True) for note in result.notes),
            ),
            section("Attack species", _species_table(result)),
            section("Scores and thresholds", _liveness_plots(scores, marks)),
            section("Groups", _pad_groups_table(result)),
            section("Attacks taken for live", _scores_table(result, attacks=True)),
            section("Live taken for attacks", _scores_table(result, attacks=False)),
            section("Files without a face", failures_table(result.failures)),
        ),
    )


def _liveness_facts(result: LivenessResult) -> list[tuple[str, str, str]]:
    facts = [
        ("Bona fide", f"{result.bona_fide:,}", f"{percent(result.bona_fide_non_response.share)} "
         "without a face"),
        ("Attacks", f"{result.attacks:,}", f"{percent(result.attack_non_response.share)} "
         "without a face"),
    ]  # fmt: skip
    at = result.decision
    if at:
        where = f"at {at.threshold:.3f}" + (", as served" if result.served else "")
        facts += [
            (f"Worst APCER, {at.worst_species}", percent(at.apcer.share),
             interval(at.apcer.interval)),
            ("BPCER", percent(at.bpcer.share), interval(at.bpcer.interval)),
            ("ACER", percent(at.acer), where),
        ]  # fmt: skip
    return facts


def _pad_points_table(result: LivenessResult) -> Markup:
    headings = ("at BPCER", "threshold", "BPCER measured", "worst APCER", "species", "ACER")
    rows = [
        row(_pad_cells(percent(point.bpcer), point.rates))
        if point.rates
        else refused_row(percent(point.bpcer), point.refused, len(headings))
        for point in result.points
    ]
    if result.served:
        rows.append(row(_pad_cells("server now", result.served), served=True))
    return paragraph(f"{liveness_basis(result)}.") + table(headings, rows)


def _pad_cells(name: str, at: PadRates) -> tuple[str, ...]:
    rates = rate(at.bpcer), rate(at.apcer), at.worst_species, percent(at.acer)
    return name, f"{at.threshold:.4f}", *rates


def _species_table(result: LivenessResult) -> Markup:
    if result.decision is None:
        return Markup()
    return table(
        ("species", f"APCER at {result.decision.threshold:.4f}", "taken for live", "EER"),
        (
            row(
                (
                    found.species,
                    rate(found.apcer),
                    counted(found.apcer),
                    percent(result.equal_error_rates[found.species]),
                )
            )
            for found in result.decision.species
        ),
    )


def _liveness_plots(scores: PadScores, marks: Mapping[str, float]) -> Markup:
    return plot_grid(
        (
            (plots.pad_histograms(scores, marks), "How PAD scores lie; shares on a log scale."),
            (plots.pad_det_curves(scores), "What each BPCER costs in APCER, by species."),
            (plots.pad_rates_by_threshold(scores, marks), "Both rates by threshold."),
        )
    )


def _pad_groups_table(result: LivenessResult) -> Markup:
    return table(
        ("attribute", "group", "people", "APCER", "BPCER"),
        (
            row(
                (
                    group.attribute,
                    group.value,
                    f"{group.people:,}",
                    rate(group.apcer),
                    rate(group.bpcer),
                )
            )
            for group in result.groups
        ),
    )


def _scores_table(result: LivenessResult, *, attacks: bool) -> Markup:
    files = result.worst_attacks if attacks else result.worst_bona_fide
    rows = (row((f"{file.score:.4f}", file.file), file_columns=1) for file in files)
    return table(("PAD score", "file"), rows)


def _pad_marks(result: LivenessResult) -> dict[str, float]:
    if result.served:
        return {"server now": result.served.threshold}
    return {"here": result.decision.threshold} if result.decision else {}
