"""Evaluations in the operator's folder, over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perse.evaluation.shelf import EvaluationShelf
from tests.fakes.services import FakeServices
from tests.served import serving

PATH = "/v1/evaluations"
RATE = {"errors": 1, "trials": 4, "share": 0.25, "interval": [0.0, 0.6]}


def document(kind: str, at: str, **result: Any) -> str:  # noqa: ANN401
    provenance = {"kind": kind, "source": "/people", "pack": "standard", "at": at}
    return json.dumps({"provenance": provenance, "people": 3, "failure_to_acquire": RATE, **result})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "evaluations"
    made.mkdir()
    face = document(
        "face",
        "2026-11-27T10:00:00+00:00",
        equal_error_rate=0.0,
        decision_fmr=1e-3,
        decision={"threshold": 0.4, "fmr": RATE, "fnmr": RATE},
        served=None,
        worst_false_matches=[{"first": "ann/1.jpg", "second": "bob/2.jpg", "score": 0.9}],
        failures=[{"file": "ann/3.jpg", "code": "no_face_detected", "message": "no face"}],
    )
    (made / "staff.json").write_text(face)
    live = document(
        "liveness", "2026-11-28T10:00:00+00:00", decision={"apcer": RATE, "bpcer": RATE}
    )
    (made / "doors.json").write_text(live)
    return made


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    services = FakeServices(evaluations=EvaluationShelf(folder))
    with serving(services) as served, served.client() as http:
        yield http


def test_a_number_beyond_all_measure_spoils_no_other(folder: Path) -> None:
    far = document("face", "2026-11-28T11:00:00+00:00", equal_error_rate=10**400)
    (folder / "far.json").write_text(far)
    assert [it.name for it in EvaluationShelf(folder).all()] == ["doors", "staff"]


def test_evaluations_are_listed_the_latest_first(client: httpx.Client) -> None:
    doors, staff = client.get(PATH).json()["evaluations"]
    assert (doors["name"], doors["kind"], doors["pack"]) == ("doors", "liveness", "standard")
    assert doors["headline"] == {"failure_to_acquire": 0.25, "apcer": 0.25, "bpcer": 0.25}
    assert staff["headline"] == {
        "failure_to_acquire": 0.25,
        "equal_error_rate": 0.0,
        "fmr": 1e-3,
        "fnmr": 0.25,
    }


def test_one_is_told_without_what_names_files(client: httpx.Client) -> None:
    answer = client.get(f"{PATH}/staff")
    told = answer.json()
    assert told["result"]["decision"]["fnmr"] == RATE
    assert told["result"].keys() == {
        *("people", "failure_to_acquire", "equal_error_rate", "decision_fmr", "decision")
    }
    for secret in ("ann", "bob", "/people", "null"):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "name",
    ["nobody", "..", "../secret", "%2e%2e%2fsecret", "..%2Fsecret", "a%00", ".staff", "link"],
)
def test_what_is_not_there_or_elsewhere_is_not_found(
    client: httpx.Client, folder: Path, name: str
) -> None:
    secret = document("face", "2026-11-27T10:00:00+00:00")
    (folder.parent / "secret.json").write_text(secret)
    (folder / ".staff.json").write_text(secret)
    (folder / "link.json").symlink_to(folder.parent / "secret.json")
    answer = client.get(f"{PATH}/{name}")
    assert answer.status_code in {400, 404} or answer.url.path == "/v1/secret"
    assert "failure_to_acquire" not in answer.text


def test_what_is_no_evaluation_is_passed_over(client: httpx.Client, folder: Path) -> None:
    for name, content in {
        "torn": '{"provenance": ',
        "list": "[]",
        "text": '"x"',
        "nan": document("face", "2026-11-27T10:00:00+00:00").replace("0.25", "NaN"),
        "zone": document("face", "2026-11-27T10:00:00"),
        "when": document("face", "yesterday"),
        "deep": "[" * 100_000,
    }.items():
        (folder / f"{name}.json").write_text(content)
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    names = [it["name"] for it in client.get(PATH).json()["evaluations"]]
    assert names == ["doors", "staff"]
    assert client.get(f"{PATH}/torn").json()["code"] == "not_found"


def test_without_a_folder_there_are_none() -> None:
    with serving() as served, served.client() as client:
        assert client.get(PATH).json()["evaluations"] == []
