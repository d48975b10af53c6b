"""A user's whole life on a real server with real networks and real portraits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.drawn_faces import smiley
from tests.real_house import CONSENT, PORTRAITS, House, running_house
from tests.storage.postgresql import Cluster

PATH = "/v0/face/enrollment"


@pytest.fixture(scope="module")
def house(
    database: Cluster | None,
    pack_folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with running_house(folder, pack_folders["standard"] / "weights", database) as running:
        yield running


def test_a_user_is_enrolled_recognised_updated_and_destroyed(house: House) -> None:
    enrolled = house.post("obama_2010").json()
    token = enrolled["user_token"]
    assert enrolled["quality"]["sharpness"] > 0.3

    mated = house.post("obama_2012", "/v0/face/compare", user_token=token).json()
    other = house.post("hopper_1984", "/v0/face/compare", user_token=token).json()
    threshold = mated["default_thresholds"]["similarity"]
    assert mated["similarity"] >= threshold > other["similarity"]
    assert mated["models"]["face_embedder"] == enrolled["model"]

    updated = house.post("hopper_1984", method="PUT", user_token=f'"{token}"').json()
    assert updated["user_token"] == token
    again = house.post("hopper_1984", "/v0/face/compare", user_token=token).json()
    assert again["similarity"] == pytest.approx(1.0)

    assert house.client.get(f"{PATH}/list").json()["user_tokens"] == [token]
    deleted = house.client.delete(f"{PATH}/{token}/").json()
    claims = house.services.storage.receipts.signer.verify(deleted["receipt"])
    assert claims["destroyed"] == {"templates": 1, "data_keys": 1}
    assert house.client.get(f"{PATH}/list/").json()["total_users"] == 0
    gone = house.post("obama_2012", "/v0/face/compare", user_token=token)
    assert (gone.status_code, gone.json()["code"]) == (422, "user_token_not_found")

    noted = [link.entry.operation for link in house.services.storage.ledger.entries()]
    assert noted == [
        *("face_enrol", "face_verify", "face_verify", "face_update", "face_verify"),
        *("face_delete", "face_verify"),
    ]
    assert list(house.services.storage.ledger.problems()) == []


def test_neither_picture_nor_template_reaches_a_file(house: House) -> None:
    token = house.post("obama_2010").json()["user_token"]
    (tenant_id,) = house.services.storage.tenants.owners(token)
    template = house.services.storage.references.find(tenant_id, token).template
    picture = (PORTRAITS / "obama_2010.jpg").read_bytes()
    written = [p for p in house.folder.glob("perse.db*") if p.is_file()]
    for content in (path.read_bytes() for path in written):
        assert picture[5000:5032] not in content
        assert template.vector.astype(np.float32).tobytes()[:16] not in content


def turned(name: str, quarter_turns: int) -> bytes:
    """A portrait turned clockwise."""
    file = io.BytesIO()
    with Image.open(PORTRAITS / f"{name}.jpg") as picture:
        picture.rotate(-90 * quarter_turns, expand=True).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_user_may_be_enrolled_from_a_turned_picture_and_probed_with_one(
    house: House, quarter_turns: int
) -> None:
    sent = {"image_file": turned("obama_2010", quarter_turns)}
    token = house.client.post(PATH, files=sent, data=CONSENT).json()["user_token"]
    upright = house.post("obama_2012", "/v0/face/compare", user_token=token).json()
    stranger = house.post("biden_2010", "/v0/face/compare", user_token=token).json()
    threshold = upright["default_thresholds"]["similarity"]
    assert upright["similarity"] >= threshold > stranger["similarity"]
    again = {"image_file": turned("obama_2009", quarter_turns)}
    probe = house.client.post(
        "/v0/face/compare", files=again, data=CONSENT | {"user_token": token}
    ).json()
    assert probe["similarity"] >= threshold
    assert house.client.delete(f"{PATH}/{token}").status_code == 200


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_the_landmarks_of_a_turned_picture_lie_in_it_as_it_was_sent(
    house: House, quarter_turns: int
) -> None:
    sent = {"image_file": turned("collins_1992", quarter_turns)}
    answer = house.client.post("/v0/face/detect", files=sent, data=CONSENT).json()
    assert answer["total_faces"] == 1
    face = answer["faces"][0]
    eyes = np.mean([face["landmarks"]["right_eye"], face["landmarks"]["left_eye"]], axis=0)
    mouth = np.mean([face["landmarks"]["mouth_right"], face["landmarks"]["mouth_left"]], axis=0)
    down = {1: (-1, 0), 2: (0, -1), 3: (1, 0)}[quarter_turns]
    assert (mouth - eyes) @ down > 0.9 * np.linalg.norm(mouth - eyes)
    assert face["face_metrics"]["rotation"] > 80


def test_an_animal_and_a_drawing_have_no_face_in_any_operation(house: House) -> None:
    cat = (PORTRAITS.parent / "no_face" / "cat.jpg").read_bytes()
    file = io.BytesIO()
    Image.fromarray(smiley()).save(file, "PNG")
    token = house.post("hopper_1984").json()["user_token"]
    for picture in (cat, file.getvalue()):
        sent = {"image_file": picture}
        found = house.client.post("/v0/face/detect", files=sent, data=CONSENT).json()
        assert found["total_faces"] == 0
        enrolled = house.client.post(PATH, files=sent, data=CONSENT)
        probe = CONSENT | {"user_token": token}
        compared = house.client.post("/v0/face/compare", files=sent, data=probe)
        for answer in (enrolled, compared):
            assert (answer.status_code, answer.json()["code"]) == (422, "no_face_detected")
    assert house.client.delete(f"{PATH}/{token}").status_code == 200
