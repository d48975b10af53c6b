"""What an evaluation of searches found, as plain values. Shares are 0..1; None = not told."""

from __future__ import annotations

from dataclasses import dataclass

from perse.evaluation.results import Failure, NamedPair, Provenance, Rate


@dataclass(frozen=True, slots=True)
class SearchRates:
    """Rates of searches at a threshold (a score, -1..1) and the ``similarity`` that it is, None
    where the network has no scale. ``fpir``: share of the non-mated searches that find anybody.
    ``fnir``: share of the mated ones that do not find the person among the candidates asked for;
    ``fnir_first``: not as the first."""

    threshold: float
    similarity: float | None
    fpir: Rate
    fnir_first: Rate
    fnir: Rate


@dataclass(frozen=True, slots=True)
class RatesAtFpir:
    """What ``target_fpir`` costs. ``refused`` says why the data cannot tell; else it is empty."""

    target_fpir: float
    refused: str
    rates: SearchRates | None


@dataclass(frozen=True, slots=True)
class RateAtRank:
    """Share of the mated searches that do not find the person up to ``rank``, at any score."""

    rank: int
    missed: Rate


@dataclass(frozen=True, slots=True)
class ServedSearches:
    """What ``identify`` does now in such a gallery: the FPIR asked for, whether the operating
    points behind it carry that, and in how many samples they would."""

    fpir: float
    supported: bool
    largest_supported: int
    rates: SearchRates


@dataclass(frozen=True, slots=True)
class IdentificationResult:
    """Error rates of searches among the files.

    ``candidates``: so many were asked for. ``gallery_people`` and ``gallery_files``: all that gave
    a template; a search leaves out its own file, a non-mated one its person. ``served``: None for
    a network without operating points.
    """

    provenance: Provenance
    people: int
    files: int
    left_out: int
    failure_to_acquire: Rate
    failures: tuple[Failure, ...]
    gallery_people: int
    gallery_files: int
    mated_searches: int
    non_mated_searches: int
    smallest_supported_fpir: float
    candidates: int
    ranks: tuple[RateAtRank, ...]
    points: tuple[RatesAtFpir, ...]
    served: ServedSearches | None
    worst_false_candidates: tuple[NamedPair, ...]
    notes: tuple[str, ...]
