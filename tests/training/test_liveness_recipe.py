"""What can be said of the recipe without its data; the training itself only where torch is."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
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
    material, framing = recipe("material"), recipe("framing")
    geometry = importlib.import_module("perse.domain.geometry")
    drawn = np.random.default_rng(5).integers(0, 256, (250, 250, 3)).astype(np.uint8)
    seen = framing.Sighting(drawn, geometry.Box(80, 70, 80, 100))
    for species, recapture in material.SIMULATED.items():
        scene = np.full((352, 352, 3), 90, np.uint8)
        one = recapture(seen, scene, material.generator(1, species))
        again = recapture(seen, scene, material.generator(1, species))
        assert np.array_equal(one.picture, again.picture)
        assert one.picture.shape == (352, 352, 3)
        x, y = one.box.centre
        assert abs(x - 176) < 60
        assert abs(y - 176) < 60


def seen_close(recipe: Recipe, seed: int) -> Any:  # noqa: ANN401
    """A drawn face whose picture ends near it."""
    drawn = np.random.default_rng(seed).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    geometry = importlib.import_module("perse.domain.geometry")
    whole = recipe("framing").Sighting(drawn, geometry.Box(120, 110, 60, 80))
    return recipe("surroundings").tight(whole, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(8))
def test_a_tight_picture_ends_near_the_face_and_still_holds_it(recipe: Recipe, seed: int) -> None:
    seen = seen_close(recipe, seed)
    height, width = seen.picture.shape[:2]
    x, y = seen.box.centre
    for reach in (x, y, width - x, height - y):
        assert 0.53 * 80 <= reach <= 1.12 * 80


def test_of_a_tight_picture_the_teacher_judges_the_whole_one(recipe: Recipe) -> None:
    material, prepare, framing = (recipe(n) for n in ("material", "prepare", "framing"))
    geometry = importlib.import_module("perse.domain.geometry")
    box = geometry.Box(10, 10, 20, 20)
    bright, dark = (framing.Sighting(np.full((40, 40, 3), v, np.uint8), box) for v in (200, 50))
    source = material.Source("a.jpg", "webcam", "live", "0001")
    drawn = [
        material.Drawn(source, "live", dark),
        material.Drawn(source, "live", dark, whole=bright),
    ]

    def brightness(crop: np.ndarray) -> object:
        embedding = np.full(128, crop.mean(), np.float16)
        maps = np.zeros((2, 128, 8, 8), np.float16)
        return recipe("teacher").Opinion(float(crop.mean()), embedding, maps)

    bank = prepare.banked(drawn, brightness, inner=True)
    assert bank.crops.mean(axis=(1, 2, 3)).tolist() == [50, 50]
    assert bank.log_odds.tolist() == [50, 200]
    assert bank.embeddings[:, 0].tolist() == [50, 50]


def drawn_bank(recipe: Recipe, n: int = 48) -> object:
    """Noise of every group, and a teacher who guesses."""
    rng = np.random.default_rng(6)
    species = np.array(["live", "printed_photograph", "simulated_print", "mixed"] * (n // 4))
    return recipe("bank").Bank(
        rng.integers(0, 256, (n, 128, 128, 3)).astype(np.uint8),
        species,
        np.array(["webcam"] * n),
        np.array([f"p{k % 8}" for k in range(n)]),
        np.array([""] * n),
        np.array([f"f{k}" for k in range(n)]),
        rng.normal(0, 5, n).astype(np.float32),
        rng.normal(0, 1, (n, 128)).astype(np.float16),
        rng.normal(0, 1, (n, 2, 128, 8, 8)).astype(np.float16),
    )


def test_training_is_reproducible_from_its_seed(recipe: Recipe) -> None:
    torch = pytest.importorskip("torch")
    train, bank = recipe("train"), drawn_bank(recipe)
    torch.set_num_threads(1)
    plans = [train.Plan(steps=3, batch=16, seed=seed) for seed in (1, 1, 2)]
    x = torch.rand(4, 3, 128, 128, generator=torch.Generator().manual_seed(7))
    first, second, other = (train.train(bank, plan)(x).detach() for plan in plans)
    assert float((first - second).abs().max()) <= TOLERANCE
    assert float((first - other).abs().max()) > TOLERANCE


def test_the_file_says_the_teachers_log_odds_and_a_share_of_the_labels(recipe: Recipe) -> None:
    torch = pytest.importorskip("torch")
    train, export = recipe("train"), recipe("export")
    network = train.train(drawn_bank(recipe), train.Plan(steps=2, batch=16))
    x = torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        said = network.imitate(x)
        taught = said.taught * network.spread + network.mean
        expected = taught + recipe("network").LABELLED_SHARE * said.labelled
    session = onnxruntime.InferenceSession(export.build(network).SerializeToString())
    found = session.run(None, {"input": x.numpy()})[0]
    assert found == pytest.approx(expected.numpy(), abs=TOLERANCE)


def test_mixed_faces_have_no_label_and_train_only_where_both_people_do(recipe: Recipe) -> None:
    pytest.importorskip("torch")
    bank = recipe("bank")
    made = bank.Bank(
        np.zeros((4, 1, 1, 3), np.uint8),
        np.array(["live", "mixed", "mixed", "mixed"]),
        np.array(["webcam"] * 4),
        np.array(["0001", "0001", "0001", "0003"]),
        np.array(["", "0002", "0003", ""]),
        np.array(["a", "b", "c", "d"]),
        np.zeros(4, np.float32),
        *(np.array([], np.float16),) * 2,
    )
    assert np.isnan(recipe("train").labels(made)).tolist() == [False, True, True, True]
    people = [f"000{n}" for n in range(1, 10)]
    splits = recipe("splits")
    parts = splits.webcam_parts(people)
    assert (parts["0001"], parts["0002"], parts["0003"]) == ("train", "train", "test")
    whole = bank.joined([made, everybody(bank, people)])
    assert whole.part(None)[:4].tolist() == ["train", "train", "none", "test"]


def everybody(bank: ModuleType, people: list[str]) -> object:
    n = len(people)
    return bank.Bank(
        np.zeros((n, 1, 1, 3), np.uint8),
        np.array(["live"] * n),
        np.array(["webcam"] * n),
        np.array(people),
        np.array([""] * n),
        np.array(people),
        np.zeros(n, np.float32),
        *(np.array([], np.float16),) * 2,
    )


def test_a_threshold_keeps_its_bpcer_in_the_worse_group(recipe: Recipe) -> None:
    statistics = recipe("statistics_of_attacks")
    rng = np.random.default_rng(8)
    scores = np.r_[rng.normal(2, 1, 400), rng.normal(4, 1, 300)]
    groups = np.array(["portraits"] * 400 + ["webcam"] * 300)
    cut = statistics.threshold_at_bpcer(scores, groups, 0.02)
    assert (scores[:400] < cut).mean() == pytest.approx(0.02)
    assert (scores[400:] < cut).mean() < 0.02


@pytest.mark.parametrize(("highest_print", "expected"), [(40, 45), (-10, 25), (90, 50)])
def test_a_threshold_midway_keeps_within_half_and_all_of_its_bpcer(
    recipe: Recipe, highest_print: float, expected: float
) -> None:
    statistics = recipe("statistics_of_attacks")
    live, groups = np.arange(101.0), np.array(["a"] * 101)
    prints = np.full(9, float(highest_print))
    assert statistics.threshold_midway(live, groups, prints, 0.5) == pytest.approx(expected)


def presentations(recipe: Recipe, person: str, live: list[float], prints: list[float]) -> object:
    """A turn in which one webcam person and one portrait were judged."""
    n = len(live) + len(prints) + 1
    species = np.array(["live"] * (len(live) + 1) + ["printed_photograph"] * len(prints))
    bank = recipe("bank").Bank(
        np.zeros((n, 1, 1, 3), np.uint8),
        species,
        np.array(["press"] + ["webcam"] * (n - 1)),
        np.array(["portrait"] + [person] * (n - 1)),
        np.array([""] * n),
        np.array([f"{person}-{k}" for k in range(n)]),
        np.zeros(n, np.float32),
        *(np.array([], np.float16),) * 2,
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
