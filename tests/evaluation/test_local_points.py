from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.errors import InvalidParameter, SettingsInvalid
from perse.evaluation.calibration import calibrate_comparison, calibrate_liveness
from perse.evaluation.comparison_rates import Question, rate_comparisons
from perse.evaluation.local_points import LocalPoint, LocalPoints, LocalPointsFolder
from perse.evaluation.samples import compare_all_samples
from tests.evaluation.synthetic import PROVENANCE, samples, templates
from tests.evaluation.test_liveness_rates import rated

POINT = LocalPoint(1e-2, 0.4, 0.01, (0.008, 0.012), 0.02, (0.0, 0.05))
POINTS = LocalPoints(
    kind="face",
    at="2026-11-23T12:00:00+00:00",
    source="staff",
    networks={"face_embedder": "sface"},
    made_with="aaaa",
    people=50,
    trials=19_600,
    default_rate=1e-2,
    points=(POINT, replace(POINT, rate=1e-3, threshold=0.5)),
)
LATER = replace(POINTS, at="2026-11-24T12:00:00+00:00", default_rate=1e-3)


def test_the_last_put_to_use_counts_and_can_be_rolled_back(tmp_path: Path) -> None:
    folder = LocalPointsFolder.of(tmp_path)
    assert folder.in_use("face", "aaaa") is None
    folder.put_to_use(POINTS)
    folder.put_to_use(LATER)
    assert folder.in_use("face", "aaaa") == LATER
    assert folder.roll_back("face", "aaaa") == LATER
    assert folder.in_use("face", "aaaa") == POINTS
    folder.roll_back("face", "aaaa")
    assert folder.in_use("face", "aaaa") is None
    with pytest.raises(InvalidParameter, match="no face operating points"):
        folder.roll_back("face", "aaaa")
    assert folder.all() == [POINTS, LATER]


def test_points_made_with_other_networks_do_not_count(tmp_path: Path) -> None:
    folder = LocalPointsFolder.of(tmp_path)
    folder.put_to_use(POINTS)
    folder.put_to_use(replace(LATER, made_with="bbbb"))
    assert folder.in_use("face", "aaaa") == POINTS
    assert folder.in_use("face", "cccc") is None
    assert folder.in_use("voice", "aaaa") is None


def test_what_was_used_before_can_be_put_to_use_again(tmp_path: Path) -> None:
    folder = LocalPointsFolder.of(tmp_path)
    for points in (POINTS, LATER, POINTS):
        folder.put_to_use(points)
    assert folder.in_use("face", "aaaa") == POINTS
    folder.roll_back("face", "aaaa")
    assert folder.in_use("face", "aaaa") == LATER


def test_calibrations_at_the_same_time_are_all_put_to_use(tmp_path: Path) -> None:
    folder = LocalPointsFolder.of(tmp_path)
    made = [replace(POINTS, made_with=f"networks {n}") for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(folder.put_to_use, made))
        assert [folder.in_use("face", points.made_with) for points in made] == made
        gone = list(pool.map(lambda points: folder.roll_back("face", points.made_with), made))
    assert gone == made
    assert all(folder.in_use("face", points.made_with) is None for points in made)


def test_a_history_of_fewer_kinds_is_read(tmp_path: Path) -> None:
    folder = LocalPointsFolder.of(tmp_path)
    folder.put_to_use(POINTS)
    (folder.folder / "in-use.json").write_text(f'{{"face": ["{POINTS.id}"]}}')
    assert folder.in_use("face", "aaaa") == POINTS
    assert folder.in_use("voice", "aaaa") is None


def test_an_id_follows_from_the_content() -> None:
    assert POINTS.id == replace(POINTS).id
    assert POINTS.id != LATER.id
    assert len(POINTS.id) == 10


@pytest.mark.parametrize("points_id", ["", "../secrets", "0123456789"])
def test_an_unknown_id_is_refused(tmp_path: Path, points_id: str) -> None:
    with pytest.raises(InvalidParameter):
        LocalPointsFolder.of(tmp_path).read(points_id)


def test_a_damaged_file_stops_with_what_to_do(tmp_path: Path) -> None:
    folder = LocalPointsFolder.of(tmp_path)
    points_id = folder.put_to_use(POINTS)
    (tmp_path / "operating-points" / f"{points_id}.json").write_text("{}")
    with pytest.raises(SettingsInvalid, match="damaged"):
        folder.in_use("face", "aaaa")
    (tmp_path / "operating-points" / "in-use.json").write_text("[]")
    with pytest.raises(SettingsInvalid, match="damaged"):
        folder.in_use("face", "aaaa")


def test_points_without_their_default_rate_cannot_exist() -> None:
    with pytest.raises(InvalidParameter):
        replace(POINTS, default_rate=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    fmr=st.sampled_from([1e-1, 3e-2, 1e-2, 2e-3, 1e-3]),
    noise=st.floats(0.3, 3.0),
    seed=st.integers(0, 50),
)
def test_a_calibration_makes_a_scale_that_keeps_the_rate(
    fmr: float, noise: float, seed: int
) -> None:
    compared = compare_all_samples(samples(templates(25, 4, noise=noise, seed=seed), 4))
    result, _ = rate_comparisons(compared, Question(PROVENANCE, fmr), [])
    points = calibrate_comparison("face", result, fmr)
    scale = SimilarityScale([OperatingPoint(p.rate, p.threshold) for p in points.points])
    threshold = scale.threshold(fmr)
    strangers = compared.comparisons.non_mated.scores
    matching = sum(round(scale.similarity(float(score)), 6) >= threshold for score in strangers)
    assert points.default.rate == fmr
    assert matching / len(strangers) <= fmr


def test_a_rate_that_the_data_cannot_carry_is_refused() -> None:
    compared = compare_all_samples(samples(templates(20, 4), 4))
    result, _ = rate_comparisons(compared, Question(PROVENANCE, 1e-4), [])
    with pytest.raises(InvalidParameter, match=r"for FMR 1e-4: 3,040 non-mated pairs support"):
        calibrate_comparison("face", result, 1e-4)


def test_liveness_is_calibrated_by_bpcer() -> None:
    live: list[float | None] = [0.3 + n / 200 for n in range(100)]
    result = rated(live, served=None, paper=[0.1, 0.4], screen=[0.1, 0.2])
    points = calibrate_liveness(result, 0.1)
    assert points.species == "paper"
    assert points.default.false_rejects <= 0.1
    assert points.default.threshold == pytest.approx(0.35, abs=2e-6)
    with pytest.raises(InvalidParameter, match=r"BPCER 0\.01: 100 bona fide"):
        calibrate_liveness(result, 0.01)
