"""What can be said of the recipe without its data; the training itself only where torch is."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

RECIPE = Path(__file__).parents[2] / "training" / "liveness"
TOLERANCE = 1e-4

Recipe = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def recipe() -> Iterator[Recipe]:
    sys.path.insert(0, str(RECIPE))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(RECIPE))


def test_the_parts_of_the_webcam_people_are_written_in_stone(recipe: Recipe) -> None:
    splits = recipe("splits")
    people = [f"000{n}" for n in range(1, 10)]
    parts = splits.webcam_parts(people)
    assert {p for p in people if parts[p] == "test"} == {"0003", "0009"}
    assert {p for p in people if parts[p] == "calibrate"} == {"0005", "0007"}


def test_in_the_cross_check_everybody_is_tested_once_by_a_network_that_never_saw_them(
    recipe: Recipe,
) -> None:
    splits = recipe("splits")
    people = [f"000{n}" for n in range(1, 10)]
    tested: list[str] = []
    for rotation in range(3):
        parts = splits.webcam_parts(reversed(people), rotation)
        tested += [p for p in people if parts[p] == "test"]
        assert list(parts.values()).count("calibrate") == 2
        assert list(parts.values()).count("train") == 4
    assert sorted(tested) == people


def test_portraits_are_parted_in_the_stated_shares(recipe: Recipe) -> None:
    splits = recipe("splits")
    parts = [splits.press_part(f"person {n}") for n in range(4000)]
    shares = {part: parts.count(part) / 4000 for part in ("train", "calibrate", "test")}
    assert shares == pytest.approx({"train": 0.6, "calibrate": 0.15, "test": 0.25}, abs=0.03)


def test_the_area_under_the_curve_is_that_of_scikit_learn(recipe: Recipe) -> None:
    statistics = recipe("statistics_of_attacks")
    rng = np.random.default_rng(3)
    live, attacks = rng.normal(1, 1, 80).round(1), rng.normal(0, 1, 90).round(1)
    labels = np.r_[np.ones(80), np.zeros(90)]
    expected = roc_auc_score(labels, np.r_[live, attacks])
    assert statistics.area_under_curve(live, attacks) == pytest.approx(expected)


def test_calibration_agrees_with_logistic_regression_on_many_presentations(recipe: Recipe) -> None:
    statistics = recipe("statistics_of_attacks")
    rng = np.random.default_rng(4)
    raw = rng.normal(0, 3, 20_000)
    live = rng.random(20_000) < 1 / (1 + np.exp(-(0.7 * raw + 0.4)))
    a, b = statistics.platt(raw, live, np.ones(20_000) / 20_000)
    fitted = LogisticRegression(C=1e9).fit(raw[:, None], live)
    assert (a, b) == pytest.approx((fitted.coef_[0, 0], fitted.intercept_[0]), abs=0.01)


def test_a_rate_without_errors_still_has_an_upper_end(recipe: Recipe) -> None:
    statistics = recipe("statistics_of_attacks")
    people = np.repeat([f"p{n}" for n in range(30)], 5)
    found = statistics.rate(np.zeros(150, bool), people)
    assert (found.share, found.low, found.high) == (0, 0, pytest.approx(0.1))


def test_simulated_recaptures_keep_the_face_in_the_middle_and_change_the_picture(
    recipe: Recipe,
) -> None:
    prepare, framing = recipe("prepare"), recipe("framing")
    geometry = importlib.import_module("perse.domain.geometry")
    drawn = np.random.default_rng(5).integers(0, 256, (250, 250, 3)).astype(np.uint8)
    seen = framing.Sighting(drawn, geometry.Box(80, 70, 80, 100))
    for species, recapture in prepare.SIMULATED.items():
        scene = np.full((352, 352, 3), 90, np.uint8)
        one = recapture(seen, scene, prepare.generator(1, species))
        again = recapture(seen, scene, prepare.generator(1, species))
        assert np.array_equal(one.picture, again.picture)
        assert one.picture.shape == (352, 352, 3)
        x, y = one.box.centre
        assert abs(x - 176) < 60
        assert abs(y - 176) < 60


def test_training_is_reproducible_from_its_seed(recipe: Recipe) -> None:
    torch = pytest.importorskip("torch")
    bank, train = recipe("bank"), recipe("train")
    rng = np.random.default_rng(6)
    n = 48
    species = np.array(["live", "printed_photograph", "simulated_print", "simulated_screen"] * 12)
    drawn = bank.Bank(
        rng.integers(0, 256, (n, 144, 144, 3)).astype(np.uint8),
        species,
        np.array(["webcam"] * n),
        np.array([f"p{k % 8}" for k in range(n)]),
        np.array([f"f{k}" for k in range(n)]),
        rng.normal(0, 3, (n, 3)),
    )
    torch.set_num_threads(1)
    plans = [train.Plan(epochs=1, draws=48, batch=16, seed=seed) for seed in (1, 1, 2)]
    x = torch.rand(4, 3, 128, 128, generator=torch.Generator().manual_seed(7))
    first, second, other = (train.train(drawn, plan)(x).detach() for plan in plans)
    assert float((first - second).abs().max()) <= TOLERANCE
    assert float((first - other).abs().max()) > TOLERANCE


def test_a_threshold_keeps_its_bpcer_in_the_worse_group(recipe: Recipe) -> None:
    statistics = recipe("statistics_of_attacks")
    rng = np.random.default_rng(8)
    scores = np.r_[rng.normal(2, 1, 400), rng.normal(4, 1, 300)]
    groups = np.array(["portraits"] * 400 + ["webcam"] * 300)
    cut = statistics.threshold_at_bpcer(scores, groups, 0.02)
    assert (scores[:400] < cut).mean() == pytest.approx(0.02)
    assert (scores[400:] < cut).mean() < 0.02


def test_a_balanced_threshold_has_the_smallest_worst_rate(recipe: Recipe) -> None:
    statistics = recipe("statistics_of_attacks")
    live, attacks = np.array([3.0, 4.0, 5.0, 6.0]), np.array([-2.0, -1.0, 0.0, 1.0])
    assert statistics.balanced_threshold(live, attacks, np.array(["a"] * 4)) == pytest.approx(2.0)
    overlapping = np.array([-1.5, 4.0, 5.0, 6.0])
    cut = statistics.balanced_threshold(overlapping, attacks, np.array(["a"] * 4))
    assert (overlapping < cut).mean() <= 0.25
    assert (attacks >= cut).mean() <= 0.25


def test_judges_that_were_not_asked_are_no_wanted_logit(recipe: Recipe) -> None:
    pytest.importorskip("torch")
    bank, train = recipe("bank"), recipe("train")
    one = np.array(["live", "simulated_print"])
    logits = np.array([[1.0, 2.0, 3.0], [np.nan] * 3])
    wanted = train.judged(
        bank.Bank(np.zeros((2, 144, 144, 3), np.uint8), one, one, one, one, logits)
    )
    assert wanted[0] == pytest.approx(4.0)
    assert np.isnan(wanted[1])


def presentations(recipe: Recipe, person: str, live: list[float], prints: list[float]) -> object:
    """A turn in which one webcam person and one portrait were judged."""
    n = len(live) + len(prints) + 1
    species = np.array(["live"] * (len(live) + 1) + ["printed_photograph"] * len(prints))
    bank = recipe("bank").Bank(
        np.zeros((n, 1, 1, 3), np.uint8),
        species,
        np.array(["press"] + ["webcam"] * (n - 1)),
        np.array(["portrait"] + [person] * (n - 1)),
        np.array([f"{person}-{k}" for k in range(n)]),
        np.zeros((n, 3)),
    )
    return recipe("evaluate").Judged(bank, {"perse_pad": np.array([1.0, *live, *prints])})


def test_the_worst_turn_is_named_beside_the_mean(recipe: Recipe) -> None:
    check = recipe("cross_check")
    runs = {
        "0": presentations(recipe, "0001", [1.0, 2.0], [-1.0, -2.0]),
        "1": presentations(recipe, "0008", [1.0, -2.0], [-1.0, 3.0, 2.0, -1.0]),
    }
    columns = check.by_turn(runs, "perse_pad")
    assert columns["together"]["APCER printed_photograph"].share == pytest.approx(2 / 6)
    worst = check.worst(columns)
    assert worst["APCER printed_photograph"] == ("turn 1", 0.5)
    assert worst["BPCER webcam"] == ("turn 1", 0.5)
    assert "AUC printed_photograph" not in worst


def test_errors_are_told_person_by_person(recipe: Recipe) -> None:
    check = recipe("cross_check")
    runs = [
        presentations(recipe, "0001", [1.0, 2.0], [-1.0, -2.0]),
        presentations(recipe, "0008", [1.0, -2.0], [-1.0, 3.0, 2.0, -1.0]),
    ]
    assert check.by_person(runs, "perse_pad") == {
        "0001": {"APCER": 0.0, "BPCER": 0.0},
        "0008": {"APCER": 0.5, "BPCER": 0.5},
    }


def test_how_near_the_groups_come_to_the_threshold_is_told(recipe: Recipe) -> None:
    run = presentations(recipe, "0008", [1.5, 2.0], [-3.0, -0.5])
    assert recipe("cross_check").reaches(run, "perse_pad") == {
        "lowest portrait": 1.0,
        "lowest webcam frame": 1.5,
        "highest print": -0.5,
    }
