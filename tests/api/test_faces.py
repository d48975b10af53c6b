"""Detect and compare over HTTP, with fake pipelines."""

from __future__ import annotations

import httpx
import pytest

from perse.errors import NoFaceDetected
from tests.fakes.faces import EMPTY_SCENE, HIDDEN, THRESHOLDS, picture
from tests.served import Served

DETECT = "/v0/face/detect"
COMPARE = "/v0/face/compare"


def test_a_session_token_opens_detect(served: Served) -> None:
    with httpx.Client(base_url=served.url) as anybody:
        login = anybody.post("/v0/login", json={"privateKey": served.services.api_key}).json()
        assert login["status"] == 200
        headers = {"Authorization": f"Bearer {login['token']}"}
        answer = anybody.post(DETECT, files={"image_file": picture()}, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["total_faces"] == 1


def test_detect_answers_in_the_words_of_the_contract(client: httpx.Client) -> None:
    answer = client.post(DETECT, files={"image_file": picture()}).json()
    face = answer["faces"][0]
    assert face["landmarks"] == {
        "right_eye": [40, 50],
        "left_eye": [70, 50],
        "nose": [55, 65],
        "mouth_right": [44, 80],
        "mouth_left": [66, 80],
    }
    assert face["bounding_box"] == [30, 21, 50, 75]
    assert set(face["face_metrics"]) == {
        "underexposure",
        "overexposure",
        "sharpness",
        "color",
        "rotation",
    }
    assert face["liveness_score"] == 0.97
    assert set(answer["image_metrics"]) == {"underexposure", "overexposure", "sharpness", "color"}
    assert answer["default_thresholds"] == {
        "underexposure": 0.85,
        "overexposure": 0.03,
        "sharpness": 0.3,
        "color": 0.5,
        "rotation": 25.0,
        "liveness": 0.7,
        "recognisability": 0.5,
    }
    assert isinstance(answer["time_taken"], float)
    assert answer["status"] == 200


def test_detect_adds_verdicts_with_guidance(client: httpx.Client) -> None:
    verdicts = client.post(DETECT, files={"image_file": picture()}).json()["faces"][0]["verdicts"]
    assert verdicts["color"] == {"pass": True, "direction": "lower_is_better", "guidance": ""}
    assert verdicts["liveness"]["direction"] == "higher_is_better"


def test_no_face_is_a_success_of_detect(client: httpx.Client) -> None:
    answer = client.post(DETECT, files={"image_file": EMPTY_SCENE})
    assert answer.status_code == 200
    assert answer.json()["total_faces"] == 0
    assert answer.json()["faces"] == []


def test_compare_answers_with_both_spellings_of_its_thresholds(client: httpx.Client) -> None:
    files = {"image_file1": picture(3), "image_file2": picture(3)}
    answer = client.post(COMPARE, files=files).json()
    assert answer["similarity"] == pytest.approx(0.93, abs=1e-3)
    assert answer["liveness_score"] == 0.97
    assert answer["default_thresholds"] == {"similarity": 0.8, "liveness": 0.7}
    assert answer["defaultThresholds"] == answer["default_thresholds"]
    assert answer["thresholds"] == THRESHOLDS.similarity_by_fmr


def test_compare_says_which_picture_has_no_face(client: httpx.Client) -> None:
    answer = client.post(COMPARE, files={"image_file1": picture(), "image_file2": EMPTY_SCENE})
    assert answer.status_code == 422
    assert answer.json()["code"] == NoFaceDetected.code
    assert "image_file2" in answer.json()["message"]


def test_compare_says_what_is_known_of_the_captures(client: httpx.Client) -> None:
    files = {"image_file1": picture(3), "image_file2": picture(3)}
    answer = client.post(COMPARE, files=files).json()
    assert 0.9 < answer["recognisability"] < 1
    assert answer["similarity_assessable"] is True
    assert answer["liveness_assessable"] is True
    assert "similarity_obstacle" not in answer
    assert "liveness_obstacle" not in answer


def test_what_cannot_be_told_is_no_match_with_a_sentence_for_the_person(
    client: httpx.Client,
) -> None:
    files = {"image_file1": picture(3), "image_file2": picture(HIDDEN)}
    answer = client.post(COMPARE, files=files).json()
    assert (answer["similarity"], answer["similarity_assessable"]) == (0, False)
    assert answer["similarity_obstacle"].startswith("Show your whole face")
    assert answer["recognisability"] < 0.1
    assert "cosine" not in answer
    assert answer["similarity_supported"] is False


def test_detect_tells_how_recognisable_each_face_is(client: httpx.Client) -> None:
    for identity, passes in ((1, True), (HIDDEN, False)):
        answer = client.post(DETECT, files={"image_file": picture(identity)}).json()
        (face,) = answer["faces"]
        least = answer["default_thresholds"]["recognisability"]
        assert least == THRESHOLDS.recognisability
        assert (face["recognisability"] >= least) is passes
        assert face["verdicts"]["recognisability"]["pass"] is passes
