from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from perse.errors import InvalidParameter
from perse.evaluation.acquisition import Acquired, Failed, Outcome
from perse.evaluation.groups import Group
from perse.evaluation.liveness_rates import PadQuestion, rate_liveness
from perse.evaluation.presentations import Presentations
from perse.evaluation.results import LivenessResult, plain
from perse.evaluation.sample_files import SampleFile
from perse.evaluation.samples import Samples
from tests.evaluation.synthetic import PROVENANCE

VECTOR = np.array([1.0], np.float32)


def presented(
    live: list[float | None], **attacks: list[float | None]
) -> tuple[Presentations, Samples]:
    """Two presentations a person; None = no face was found."""
    kinds: list[tuple[str | None, float | None]] = [(None, score) for score in live]
    for species, scores in attacks.items():
        kinds += [(species, score) for score in scores]
    files = tuple(
        SampleFile(Path(f"{n}.jpg"), f"{species or 'live'}/{n}.jpg", f"person {n // 2}")
        for n, (species, _) in enumerate(kinds)
    )
    outcomes: tuple[Outcome, ...] = tuple(
        Failed("no_face_detected", "no face") if score is None else Acquired(VECTOR, {}, score)
        for _, score in kinds
    )
    of_files = tuple(kind for kind, _ in kinds)
    return Presentations(files, of_files, (), guessed_people=False), Samples(files, outcomes)


def rated(
    live: list[float | None], *, served: float | None = 0.5, **attacks: list[float | None]
) -> LivenessResult:
    presentations, found = presented(live, **attacks)
    question = PadQuestion(PROVENANCE, 0.1, served)
    return rate_liveness(presentations, found, question, [])[0]


def test_the_worst_species_is_named_and_makes_the_figure() -> None:
    result = rated([0.9, 0.8, 0.4, 0.7], paper=[0.1, 0.2, 0.6, 0.3], screen=[0.9, 0.6, 0.1, 0.2])
    at = result.served
    assert at is not None
    assert (at.worst_species, at.apcer.share) == ("screen", 0.5)
    assert at.bpcer.share == 0.25
    assert at.acer == 0.375
    assert {found.species: found.apcer.share for found in at.species} == {
        "paper": 0.25,
        "screen": 0.5,
    }
    assert [file.score for file in result.worst_attacks] == [0.9, 0.6, 0.6]
    assert [file.score for file in result.worst_bona_fide] == [0.4]
    json.dumps(plain(result), allow_nan=False)


def test_presentations_without_a_face_are_counted_apart() -> None:
    result = rated([0.9, None, 0.8, 0.7], paper=[0.1, None, None, 0.2])
    assert result.bona_fide_non_response.share == 0.25
    assert result.attack_non_response.share == 0.5
    assert result.served is not None
    assert result.served.bpcer.trials == 3
    assert len(result.failures) == 3


def test_apcer_at_fixed_bpcer_and_what_so_few_cannot_say() -> None:
    live: list[float | None] = [(n + 0.5) / 100 for n in range(100)]
    result = rated(live, served=None, paper=[0.04, 0.06, 0.11, 0.5])
    at = {point.bpcer: point for point in result.points}
    tenth = at[0.1].rates
    assert tenth is not None
    assert tenth.bpcer.share == 0.1
    assert tenth.apcer.share == 0.5
    assert at[0.01].rates is None
    assert at[0.01].refused == "100 bona fide presentations support BPCER 3 %, not 1 %"
    assert result.decision == tenth


def test_groups_have_their_own_rates() -> None:
    presentations, found = presented([0.9, 0.4, 0.9, 0.9], paper=[0.9, 0.1])
    group = Group("light", "dim", np.array([True, True, False, False, False, True]))
    result, _ = rate_liveness(presentations, found, PadQuestion(PROVENANCE, 0.1, 0.5), [group])
    (dim,) = result.groups
    assert dim.bpcer is not None
    assert dim.apcer is not None
    assert (dim.bpcer.share, dim.apcer.share) == (0.5, 0.0)


def test_without_scores_of_both_kinds_nothing_is_claimed() -> None:
    with pytest.raises(InvalidParameter, match="no PAD score"):
        rated([0.9, 0.8], paper=[None, None])
