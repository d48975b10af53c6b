"""What an evaluation found, as plain values that JSON holds. Shares are 0..1; None = not told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from perse.evaluation.intervals import Interval

# What the rates are listed at.
DECADES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True)
class Rate:
    """``errors`` of ``trials``, the share, and its 95 % interval over people."""

    errors: int
    trials: int
    share: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class RatesAtThreshold:
    """Rates of a comparison at a threshold (a score, -1..1; at or above it a pair matches)."""

    threshold: float
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class RatesAtFmr:
    """What ``target_fmr`` costs. ``refused`` says why the data cannot tell; else it is empty."""

    target_fmr: float
    refused: str
    rates: RatesAtThreshold | None


@dataclass(frozen=True, slots=True)
class NamedPair:
    """Two files and their score."""

    first: str
    second: str
    score: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used, and why."""

    file: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Rates among the files of a group: mated pairs of the group, and non-mated pairs of two people
    of the group. None where the group has no such pair."""

    attribute: str
    value: str
    people: int
    failure_to_acquire: Rate | None
    fmr: Rate | None
    fnmr: Rate | None


@dataclass(frozen=True, slots=True)
class TreatedRates:
    """Rates when all pictures are treated alike: ``rates`` at the threshold that the server uses
    now, None where too few pairs are left. ``not_assessable``: share of the pictures with a face
    that a comparison would refuse to tell anything by, None where nobody measured that."""

    treatment: str
    failure_to_acquire: Rate
    not_assessable: Rate | None
    rates: RatesAtThreshold | None


@dataclass(frozen=True, slots=True)
class Discard:
    """FNMR of what is left when the worst share of mated pairs by one measure is set aside."""

    measure: str
    higher_is_better: bool
    discarded: tuple[float, ...]
    fnmr: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """``kind``: face, voice or liveness. ``source``: what was evaluated. ``networks``: role ->
    network. ``made_with``: digest of networks and pipeline. ``at``: UTC, ISO 8601."""

    kind: str
    source: str
    pack: str
    networks: Mapping[str, str]
    made_with: str
    version: str
    at: str


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """Error rates of face or voice comparison.

    ``decision``: the rates that groups, lists and quality refer to, at the threshold for
    ``decision_fmr``. ``served``: at the threshold that the server uses now, None where it has
    none. ``fnmr_with_failures``: mated pairs that did not match or lost a file to a failure.
    """

    provenance: Provenance
    people: int
    files: int
    left_out: int
    mated_pairs: int
    non_mated_pairs: int
    smallest_supported_fmr: float
    failure_to_acquire: Rate
    failures: tuple[Failure, ...]
    equal_error_rate: float | None
    equal_error_rate_interval: Interval | None
    points: tuple[RatesAtFmr, ...]
    decision_fmr: float | None
    decision: RatesAtThreshold | None
    served: RatesAtThreshold | None
    served_fmr: float | None
    fnmr_with_failures: float | None
    groups: tuple[GroupRates, ...]
    worst_false_matches: tuple[NamedPair, ...]
    worst_false_non_matches: tuple[NamedPair, ...]
    quality: tuple[Discard, ...]
    notes: tuple[str, ...]
    treated: tuple[TreatedRates, ...] = ()


def plain(result: object) -> dict[str, Any]:
    """A result as values for ``json.dumps``."""
    return asdict(result)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class SpeciesRates:
    """Share of the attacks of one species that were taken for bona fide."""

    species: str
    apcer: Rate


@dataclass(frozen=True, slots=True)
class PadRates:
    """Rates at a PAD score threshold (0..1). ``apcer`` is that of the worst species."""

    threshold: float
    bpcer: Rate
    worst_species: str
    apcer: Rate
    acer: float
    species: tuple[SpeciesRates, ...]


@dataclass(frozen=True, slots=True)
class PadRatesAtBpcer:
    """``refused`` says why the data cannot tell; else it is empty."""

    bpcer: float
    refused: str
    rates: PadRates | None


@dataclass(frozen=True, slots=True)
class NamedScore:
    """A file and its PAD score."""

    file: str
    score: float


@dataclass(frozen=True, slots=True)
class PadGroupRates:
    """Rates of the presentations of a group; all species together. None = it has none such."""

    attribute: str
    value: str
    people: int
    apcer: Rate | None
    bpcer: Rate | None


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """``served``: at the threshold in use; ``decision``: what groups and lists refer to, the served
    one where there is one. ``equal_error_rates``: by species."""

    provenance: Provenance
    people: int
    files: int
    left_out: int
    bona_fide: int
    attacks: int
    bona_fide_non_response: Rate
    attack_non_response: Rate
    failures: tuple[Failure, ...]
    equal_error_rates: Mapping[str, float]
    served: PadRates | None
    points: tuple[PadRatesAtBpcer, ...]
    decision: PadRates | None
    groups: tuple[PadGroupRates, ...]
    worst_attacks: tuple[NamedScore, ...]
    worst_bona_fide: tuple[NamedScore, ...]
    notes: tuple[str, ...]
