from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from perse.bootstrap.evaluation import Evaluated
from perse.bootstrap.local_points import (
    cards_with,
    local_points_of,
    made_with,
    named_points,
    pack_with,
)
from perse.bootstrap.similarity import claims_of
from perse.bootstrap.weights import PackOnDisk
from perse.cli.calibrate import app as calibrate_app
from perse.cli.evaluate import app as evaluate_app
from perse.cli.evaluation import (
    Inquiry,
    evaluate_comparison,
    evaluate_identification,
    evaluate_liveness,
)
from perse.cli.evaluation_tables import show_comparison, show_liveness
from perse.cli.identification_tables import show_identification
from perse.errors import InvalidParameter, NoFaceDetected
from perse.evaluation.acquisition import Acquired
from perse.evaluation.calibration import calibrate_comparison, calibrate_liveness
from perse.evaluation.local_points import Kind, LocalPointsFolder
from perse.evaluation.treatments import Treatment
from perse.weights.cards import Role
from perse.weights.catalogue import Catalog
from perse.weights.packs import PackChoice
from tests.evaluation.synthetic import templates
from tests.fakes.services import settings

Result = TypeVar("Result")
PEOPLE, EACH = 20, 4
TEMPLATES = templates(PEOPLE, EACH)


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PERSE_PACK", "standard")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Files that ``acquire`` understands: the number of a template, or what the PAD score is."""
    for number in range(PEOPLE * EACH):
        file = tmp_path / "pictures" / f"[p]{number // EACH}" / f"{number % EACH}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number))
    (tmp_path / "pictures" / "[p]0" / "wall.jpg").write_text("wall")
    return tmp_path / "pictures"


def acquire(content: bytes) -> Acquired:
    if content == b"wall":
        raise NoFaceDetected("no face is completely inside the picture")
    number = int(content)
    return Acquired(TEMPLATES[number], {"sharpness": 0.5}, pad=number / (PEOPLE * EACH))


def pipeline(catalog: Catalog, kind: Kind) -> Evaluated:
    on_disk = PackOnDisk(
        catalog.pack("standard"),
        PackChoice("standard", "a test"),
        catalog.cards_of("standard"),
        paths={},
        digests={},
    )
    return Evaluated(kind, on_disk, acquire, "fake-1", default_fmr=1e-2, served=None)


def _shown(show: Callable[[Result, Console], None], result: Result) -> str:
    text = io.StringIO()
    show(result, Console(width=200, file=text))
    return text.getvalue()


def test_faces_are_evaluated_from_a_folder(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    here = settings(data_dir=surroundings / "data")
    result, _ = evaluate_comparison(Inquiry(pictures), pipeline(catalog, "face"), here)
    assert (result.people, result.files, result.failure_to_acquire.errors) == (PEOPLE, 81, 1)
    shown = _shown(show_comparison, result)
    assert "120 mated and 3,040 non-mated pairs" in shown
    assert "[p]0/wall.jpg: no_face_detected" in shown
    assert "1e-4: refused, 3,040 non-mated pairs support FMR 9.9e-4, not 1e-4" in shown
    assert len(list((surroundings / "data" / "evaluation-cache").rglob("*.json"))) == 81


def test_nothing_is_kept_where_that_is_asked(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    here = settings(data_dir=surroundings / "data")
    evaluate_comparison(Inquiry(pictures, cached=False), pipeline(catalog, "face"), here)
    assert not (surroundings / "data").exists()


def test_a_list_of_pairs_is_evaluated_too(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    trials = surroundings / "trials.txt"
    trials.write_text("1 [p]0/0.jpg [p]0/1.jpg\n0 [p]0/0.jpg [p]1/0.jpg\n0 [p]0/1.jpg [p]2/0.jpg\n")
    here = settings(data_dir=surroundings / "data")
    result, _ = evaluate_comparison(Inquiry(trials, root=pictures), pipeline(catalog, "face"), here)
    assert (result.mated_pairs, result.non_mated_pairs) == (1, 2)
    assert any("Who is who was not said" in note for note in result.notes)
    assert result.decision is None
    assert "refused" in _shown(show_comparison, result)


def test_searches_among_a_folder_are_evaluated(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    here = settings(data_dir=surroundings / "data")
    evaluated = pipeline(catalog, "face")
    inquiry = Inquiry(pictures, rate=0.2)
    result, _ = evaluate_identification(inquiry, 5, evaluated, here, 1e-2)
    assert (result.mated_searches, result.gallery_people) == (80, PEOPLE)
    assert result.served is None
    claims = claims_of(catalog.card("sface"))
    result, _ = evaluate_identification(inquiry, 5, replace(evaluated, claims=claims), here, 1e-2)
    assert result.served is not None
    assert result.served.fpir == 0.2
    shown = _shown(show_identification, result)
    assert "80 searches for people who are among 20" in shown
    assert "identify, 2e-1" in shown
    assert "[p]0/wall.jpg: no_face_detected" in shown
    assert "1e-2: refused, searches for 20 people support FPIR 1.5e-1" in shown


def acquire_treated(_treatment: Treatment, content: bytes) -> Acquired:
    """Everybody comes to look like everybody else."""
    shared = TEMPLATES[int(content)] + 3 * TEMPLATES[0] if content != b"wall" else TEMPLATES[0]
    return Acquired(shared / np.linalg.norm(shared), {"sharpness": 0.5})


def test_treated_pictures_and_copies_are_rated_beside_the_others(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    copies = shutil.copytree(pictures, surroundings / "copies")
    camera = replace(pipeline(catalog, "face"), acquire_treated=acquire_treated)
    here = settings(data_dir=surroundings / "data")
    inquiry = Inquiry(pictures, treat=("blur_4", str(copies)))
    result, _ = evaluate_comparison(inquiry, camera, here)
    blurred, copied = result.treated
    assert (blurred.treatment, copied.treatment) == ("blur_4", "copies")
    assert result.decision is not None
    assert copied.rates == result.decision
    assert blurred.rates is not None
    assert blurred.rates.fmr.share > 0.5
    assert blurred.failure_to_acquire.errors == 0
    assert copied.failure_to_acquire.errors == 1
    assert "blur_4" in _shown(show_comparison, result)


def test_an_unknown_treatment_is_refused_before_anything_is_computed(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    seen: list[bytes] = []

    def watched(content: bytes) -> Acquired:
        seen.append(content)
        return acquire(content)

    camera = replace(pipeline(catalog, "face"), acquire=watched, acquire_treated=acquire_treated)
    here = settings(data_dir=surroundings / "data")
    with pytest.raises(InvalidParameter, match="upside_down"):
        evaluate_comparison(Inquiry(pictures, treat=("blurr",)), camera, here)
    assert seen == []


def test_liveness_is_evaluated_and_calibrated(surroundings: Path, catalog: Catalog) -> None:
    for number in range(80):
        kind = "live" if number >= 20 else "spoof/[print]"
        file = surroundings / "pad" / kind / f"p{number % 10}" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number))
    here = settings(data_dir=surroundings / "data")
    result, _ = evaluate_liveness(
        Inquiry(surroundings / "pad"), pipeline(catalog, "liveness"), here, 0.1
    )
    assert (result.bona_fide, result.attacks) == (60, 20)
    assert "[print]" in _shown(show_liveness, result)
    assert calibrate_liveness(result, 0.1).default.threshold == pytest.approx(26 / 80, abs=1e-5)


def test_the_server_serves_what_was_calibrated(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    here = settings(data_dir=surroundings / "data")
    evaluated = pipeline(catalog, "face")
    result, _ = evaluate_comparison(Inquiry(pictures, rate=2e-3), evaluated, here)
    points = calibrate_comparison("face", result, 2e-3)
    cards = evaluated.on_disk.cards
    assert local_points_of(here.data_dir, cards) == {}
    LocalPointsFolder.of(here.data_dir).put_to_use(points)
    local = local_points_of(here.data_dir, cards)
    served = cards_with(cards, local)["face_embedder"].operating_points
    assert served is not None
    assert {point.fmr: point.cosine for point in served.points}[2e-3] == points.default.threshold
    assert served.pairs == 3040
    assert pack_with(catalog.pack("standard"), local).default_fmr == 2e-3
    ids: dict[str, str] = {kind: found.id for kind, found in local.items()}
    assert named_points(ids, similarity="face", liveness="liveness") == {
        "similarity": points.id,
        "liveness": "catalogue",
    }
    other_pack = catalog.cards_of("compact")
    assert local_points_of(here.data_dir, other_pack) == {}


def test_the_digest_of_networks_does_not_follow_their_operating_points(catalog: Catalog) -> None:
    cards = catalog.cards_of("standard")
    roles: tuple[Role, ...] = ("speech_detector", "speaker_embedder")
    assert cards["speaker_embedder"].operating_points is not None
    assert made_with(cards, *roles) == made_with(catalog.cards_of("compact"), *roles)
    assert made_with(cards, *roles) != made_with(cards, "speech_detector")


def test_calibrations_are_listed_compared_and_rolled_back(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    here, run = settings(data_dir=surroundings / "data"), CliRunner()
    folder, ids = LocalPointsFolder.of(here.data_dir), []
    for fmr in (1e-2, 2e-3):
        result, _ = evaluate_comparison(
            Inquiry(pictures, rate=fmr), pipeline(catalog, "face"), here
        )
        ids.append(folder.put_to_use(calibrate_comparison("face", result, fmr)))
    listed = run.invoke(calibrate_app, ["list"]).stdout.splitlines()
    assert {line.split()[0] for line in listed[1:]} == set(ids)
    in_use = [line.split()[0] for line in listed if line.rstrip().endswith("yes")]
    assert in_use == [ids[1]]
    as_json = run.invoke(calibrate_app, ["list", "--json"]).stdout.splitlines()
    assert {json.loads(line)["id"] for line in as_json} == set(ids)
    compared = run.invoke(calibrate_app, ["compare", *ids])
    assert compared.exit_code == 0
    assert "FMR 2e-3" in compared.stdout
    gone = run.invoke(calibrate_app, ["rollback", "face"])
    assert gone.exit_code == 0, gone.output
    assert f"{ids[1]} is out of use" in gone.stderr
    assert f"those of {ids[0]}" in gone.stderr


def test_cached_templates_are_deleted_on_request(
    surroundings: Path, pictures: Path, catalog: Catalog
) -> None:
    here = settings(data_dir=surroundings / "data")
    evaluate_comparison(Inquiry(pictures), pipeline(catalog, "face"), here)
    forgotten = CliRunner().invoke(evaluate_app, ["forget"])
    assert "81 cached samples deleted" in forgotten.stderr
    assert not (surroundings / "data" / "evaluation-cache").exists()


def test_a_report_into_a_folder_that_is_missing_fails_before_the_work(surroundings: Path) -> None:
    arguments = ["face", str(surroundings), "--report", str(surroundings / "no" / "report.html")]
    with pytest.raises(InvalidParameter, match="make it"):
        raise CliRunner().invoke(evaluate_app, arguments).exception or AssertionError


def test_a_template_is_a_unit_vector() -> None:
    assert np.linalg.norm(TEMPLATES, axis=1) == pytest.approx(1, abs=1e-5)
