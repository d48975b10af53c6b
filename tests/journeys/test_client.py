"""A program's day with the Python client, on a real server with real networks and real files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from perse_client import AsyncClient, Client, SampleError, errors
from tests.journeys.test_subjects import CARL, recorded
from tests.real_house import PORTRAITS, House, running_house
from tests.synthetic_speech import ALICE

CAT = PORTRAITS.parent / "no_face" / "cat.jpg"


@pytest.fixture(scope="module")
def house(
    pack_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with running_house(folder, pack_folders["standard"] / "weights", None) as running:
        yield running


def reach(house: House) -> tuple[str, str]:
    """Address and API key."""
    return str(house.client.base_url), house.client.headers["x-api-key"]


def portrait(name: str) -> Path:
    return PORTRAITS / f"{name}.jpg"


def test_people_are_enrolled_verified_searched_and_destroyed(house: House) -> None:
    with Client(*reach(house)) as perse:
        obama, hopper = (perse.create_subject(external_id=it).id for it in ("44", "grace"))
        for name in ("obama_2009", "obama_2010"):
            assert perse.add_face(obama, portrait(name), consent=True).quality["sharpness"] > 0.3
        perse.add_face(hopper, portrait("hopper_1984"), consent=True)
        added = [perse.add_voice(obama, recorded(ALICE, seed=it), consent=True) for it in (1, 2)]
        assert [it.net_speech_enough for it in added] == [False, True]

        now = portrait("obama_2012")
        both = perse.verify_subject(obama, image=now, audio=recorded(ALICE), consent=True)
        assert (both.is_match, both.rule) == (True, "fused")
        assert not perse.verify_subject(hopper, image=now, consent=True).is_match
        assert not perse.verify_subject(obama, audio=recorded(CARL), consent=True).is_match

        found = perse.identify(image=now, consent=True)
        assert found.face is not None
        assert [it.external_id for it in found.face.candidates] == ["44"]
        with pytest.raises(errors.AlreadyExists):
            perse.add_face(hopper, now, on_duplicate="refuse", consent=True)
        with pytest.raises(SampleError, match="face"):
            perse.add_face(hopper, CAT, consent=True)

        for subject in perse.iter_subjects(page_size=1):
            receipt = perse.delete_subject(subject.id, if_version=subject.version).receipt
            assert house.services.storage.receipts.signer.verify(receipt)["destroyed"]
        assert list(perse.iter_subjects()) == []


def test_many_pictures_are_compared_at_the_same_time(house: House) -> None:
    names = ["obama_2009", "obama_2010", "hopper_1984", "biden_2010", "collins_1992"]

    async def similarities() -> list[bool]:
        async with AsyncClient(*reach(house)) as perse:
            now = portrait("obama_2012")
            calls = (perse.compare_faces(now, portrait(name), consent=True) for name in names)
            return [it.is_match for it in await asyncio.gather(*calls)]

    assert asyncio.run(similarities()) == [True, True, False, False, False]
