"""Plots of an evaluation as SVG text.

matplotlib is optional: import this module only after ``prepare_matplotlib``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from perse.evaluation.all_against_all import histogram_of
from perse.evaluation.comparison_rates import Curves
from perse.evaluation.error_rates import Scores
from perse.evaluation.liveness_rates import PadScores
from perse.evaluation.results import Discard
from perse.evaluation.searches import Searches

SAME, OTHER, GREY = "#1f5fa8", "#d9730d", "#7a828c"
_MORE = ("#d9730d", "#b1346d", "#6a51a3", "#2b8a7e", "#8c6d1f", "#a63a3a", "#4b5563")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "perse",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b5bbc2",
    "axes.grid": True,
    "grid.color": "#e7eaee",
    "axes.axisbelow": True,
    "legend.frameon": False,
}
_LOWEST_RATE = 1e-7
_USUAL, _WIDE = (6.0, 4.2), (12.4, 3.6)  # inches
_HISTOGRAM_BINS = 96

Counts = NDArray[np.int64]


def score_histograms(curves: Curves, marks: Mapping[str, float]) -> str:
    """Shares of mated and non-mated scores by score; ``marks``: thresholds by name."""
    counts = {"mated": histogram_of(curves.rates.mated), "non-mated": curves.non_mated_counts}
    figure, axes = _figure(_WIDE)
    _histograms(axes, counts, {"mated": SAME, "non-mated": OTHER}, lowest=-1.0)
    axes.set_xlabel("score (cosine), higher = more similar")
    _mark(axes, marks)
    return _svg(figure)


def pad_histograms(scores: PadScores, marks: Mapping[str, float]) -> str:
    """Shares of bona fide and attack scores by PAD score, species by species."""
    counts = {"bona fide": histogram_of(scores.scores[scores.where(None)])}
    for species in scores.attack_species:
        counts[species] = histogram_of(scores.scores[scores.where(species)])
    colours = dict(zip(counts, (SAME, *_cycle(len(counts) - 1)), strict=True))
    figure, axes = _figure(_WIDE)
    _histograms(axes, counts, colours, lowest=0.0)
    axes.set_yscale("log")
    axes.set_xlabel("PAD score, higher = more surely bona fide")
    _mark(axes, marks)
    return _svg(figure)


def det_curve(curves: Curves) -> str:
    """FNMR against FMR with the 95 % band of FNMR, and the FMR that the data cannot tell."""
    fmr, fnmr = curves.rates.rates(curves.replicates.grid)
    _, band = curves.replicates.bands()
    seen = fmr > 0
    figure, axes = _figure()
    low, high = _positive(band[:, seen])
    axes.fill_between(fmr[seen], low, high, color=SAME, alpha=0.15, lw=0)
    axes.plot(fmr[seen], _positive(fnmr[seen]), color=SAME, lw=2)
    refused = curves.rates.smallest_supported_fmr
    axes.axvspan(_LOWEST_RATE, refused, color=GREY, alpha=0.13, lw=0)
    axes.text(
        refused * 0.8, 0.97, "too few pairs", ha="right", va="top", color=GREY,
        transform=axes.get_xaxis_transform(), rotation=90,
    )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="FMR", ylabel="FNMR")
    axes.set_xlim(max(refused / 10, _LOWEST_RATE), 1)
    axes.set_ylim(_floor_of(fnmr), 1)
    return _svg(figure)


def pad_det_curves(scores: PadScores) -> str:
    """APCER against BPCER, one curve per species; those without any error are named only."""
    figure, axes = _figure()
    least, grid = 1.0, np.unique(scores.scores)
    colours = _cycle(len(scores.attack_species))
    for species, colour in zip(scores.attack_species, colours, strict=True):
        pairs = scores.of_species(species)
        apcer, bpcer = pairs.rates(grid)
        apart = "" if ((apcer > 0) & (bpcer > 0)).any() else ": a threshold tells all apart"
        axes.step(_positive(bpcer), _positive(apcer), color=colour, lw=2, label=species + apart)
        least = min(least, 1 / pairs.mated.size, 1 / pairs.non_mated.size)
    axes.set(xscale="log", yscale="log", xlabel="BPCER", ylabel="APCER")
    axes.set_xlim(least / 1.5, 1)
    axes.set_ylim(least / 1.5, 1)
    axes.legend()
    return _svg(figure)


def rates_by_threshold(curves: Curves, marks: Mapping[str, float]) -> str:
    """FMR and FNMR against the threshold, with their 95 % bands."""
    grid, rates = curves.replicates.grid, curves.rates.rates(curves.replicates.grid)
    figure, axes = _figure()
    bands = curves.replicates.bands()
    for name, colour, rate, band in zip(("FMR", "FNMR"), (OTHER, SAME), rates, bands, strict=True):
        low, high = _positive(band)
        axes.fill_between(grid, low, high, color=colour, alpha=0.15, lw=0, step="pre")
        axes.step(grid, _positive(rate), color=colour, lw=2, label=name, where="pre")
    axes.set(yscale="log", xlabel="threshold (cosine)", ylabel="share of pairs")
    axes.set_ylim(_floor_of(np.concatenate(rates)), 1)
    axes.legend(loc="lower left")
    _mark(axes, marks)
    return _svg(figure)


def pad_rates_by_threshold(scores: PadScores, marks: Mapping[str, float]) -> str:
    """APCER of each species and BPCER against the threshold."""
    figure, axes = _figure()
    grid = np.linspace(0, 1, 501, dtype=np.float32)
    for species, colour in zip(
        scores.attack_species, _cycle(len(scores.attack_species)), strict=True
    ):
        apcer, bpcer = scores.of_species(species).rates(grid)
        axes.plot(grid, apcer, color=colour, lw=2, label=f"APCER {species}")
    axes.plot(grid, bpcer, color=SAME, lw=2, label="BPCER")
    axes.set(xlabel="threshold (PAD score)", ylabel="share of presentations", ylim=(0, 1))
    axes.legend()
    _mark(axes, marks)
    return _svg(figure)


def search_trade_off(searches: Searches, candidates: int) -> str:
    """FNIR against FPIR, for the first candidate and for all that are asked for."""
    grid = np.unique(searches.non_mated)
    fpir = _reaching(searches.non_mated, grid)
    figure, axes = _figure()
    lowest: list[NDArray[np.float64]] = []
    for most, colour in ((1, OTHER), (candidates, SAME)):
        within = np.where(searches.rank <= most, searches.mated, -np.inf)
        fnir = 1 - _reaching(within[searches.mated_searches], grid)
        name = "found as the first" if most == 1 else f"found among {most}"
        axes.step(fpir, _positive(fnir), color=colour, lw=2, label=name)
        lowest.append(fnir)
    axes.set(xscale="log", yscale="log", xlabel="FPIR", ylabel="FNIR")
    axes.set_xlim(float(fpir.min()) / 1.5, 1)
    axes.set_ylim(_floor_of(np.concatenate(lowest)), 1)
    axes.legend(loc="lower left")
    return _svg(figure)


def search_rates_by_threshold(searches: Searches, marks: Mapping[str, float]) -> str:
    """FPIR and FNIR (at any rank) against the threshold."""
    mated = searches.mated[searches.mated_searches]
    grid = np.unique(np.concatenate([searches.non_mated, mated]))
    fpir, fnir = _reaching(searches.non_mated, grid), 1 - _reaching(mated, grid)
    figure, axes = _figure(_WIDE)
    for name, colour, rates in (("FPIR", OTHER, fpir), ("FNIR", SAME, fnir)):
        axes.step(grid, _positive(rates), color=colour, lw=2, label=name, where="pre")
    axes.set(yscale="log", xlabel="threshold (score)", ylabel="share of searches")
    axes.set_ylim(_floor_of(np.concatenate([fpir, fnir])), 1)
    axes.legend(loc="lower left")
    _mark(axes, marks)
    return _svg(figure)


def discard_curves(curves: Sequence[Discard]) -> str:
    """FNMR of what is left when the worst pairs by a measure are set aside, one panel each."""
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    with rc_context(_STYLE):
        figure = Figure(figsize=(3.2 * columns, 2.2 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    highest = max(max(curve.fnmr) for curve in curves) or 0.01
    for panel, curve in zip(panels, curves, strict=False):
        panel.plot([s * 100 for s in curve.discarded], [f * 100 for f in curve.fnmr], color=SAME)
        panel.axhline(curve.fnmr[0] * 100, color=GREY, lw=1, ls=":")
        panel.set_title(curve.measure.replace("_", " "), loc="left")
        panel.set_ylim(0, highest * 105)
    for panel in list(panels)[len(curves) :]:
        panel.set_axis_off()
    figure.supxlabel("worst pairs set aside, %", fontsize=10)
    figure.supylabel("FNMR of the rest, %", fontsize=10)
    return _svg(figure)


def _figure(size: tuple[float, float] = _USUAL) -> tuple[Figure, Axes]:
    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.subplots()


def _histograms(
    axes: Axes, counts: Mapping[str, Counts], colours: Mapping[str, str], *, lowest: float
) -> None:
    everything = np.sum(list(counts.values()), axis=0)
    occupied = np.flatnonzero(everything)
    edges = np.linspace(-1, 1, everything.size + 1)
    low, high = max(lowest, edges[occupied[0]]), edges[occupied[-1] + 1]
    shown = np.linspace(low, high, _HISTOGRAM_BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    for name, of_kind in counts.items():
        shares, _ = np.histogram(middles, shown, weights=of_kind / of_kind.sum())
        colour = colours[name]
        axes.stairs(shares, shown, fill=True, color=colour, alpha=0.25)
        axes.stairs(shares, shown, color=colour, lw=1.5, label=f"{name} ({of_kind.sum():,})")
    axes.set_ylabel("share of each kind")
    axes.legend()


def _mark(axes: Axes, marks: Mapping[str, float]) -> None:
    for (name, threshold), style in zip(marks.items(), ("--", ":", "-."), strict=False):
        axes.axvline(threshold, color="#1c2126", lw=1.2, ls=style, label=f"{name}: {threshold:.3f}")
    axes.legend()


def _reaching(scores: Scores, grid: Scores) -> NDArray[np.float64]:
    """Share of the scores at or above each threshold."""
    below: NDArray[np.float64] = np.searchsorted(np.sort(scores), grid, "left") / scores.size
    return 1 - below


def _cycle(count: int) -> tuple[str, ...]:
    return tuple(_MORE[index % len(_MORE)] for index in range(count))


def _positive(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(rates, _LOWEST_RATE)


def _floor_of(rates: NDArray[np.float64]) -> float:
    told = rates[rates > 0]
    return float(10 ** np.floor(np.log10(told.min()))) if told.size else 1e-3


def _svg(figure: Figure) -> str:
    """The drawing alone, to stand inside a page."""
    text = io.StringIO()
    with rc_context(_STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    drawing = text.getvalue()
    return drawing[drawing.index("<svg") :]
