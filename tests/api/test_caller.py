"""What a caller is told of what it may do."""

from __future__ import annotations

import httpx

from perse.domain.access import ALL_PERMISSIONS, Permission
from tests.fakes.faces import FakeFaces
from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving

PATH = "/v1/access"


def test_a_key_is_told_what_it_may_do_and_whose_it_is(served: Served, client: httpx.Client) -> None:
    told, key = client.get(PATH).json(), served.services.first_key
    assert told["key_name"] == "first"
    assert told["tenant_id"] == key.tenant_id
    assert set(told["permissions"]) == ALL_PERMISSIONS
    assert told["status"] == 200


def test_a_key_that_may_little_is_told_so_whichever_credential_it_sends(served: Served) -> None:
    _, text = served.services.keys.create("kiosk", permissions=frozenset({Permission.VERIFY}))
    login = httpx.post(f"{served.url}/v0/login", json={"privateKey": text}).json()
    for headers in ({"x-api-key": text}, {"Authorization": f"Bearer {login['token']}"}):
        told = httpx.get(served.url + PATH, headers=headers).json()
        assert (told["key_name"], told["permissions"]) == ("kiosk", ["verify"])
    assert httpx.get(served.url + PATH).status_code == 401


def test_the_operators_settings_are_told() -> None:
    changed = settings(
        consent="required",
        enrolment_gate="strict",
        max_image_bytes=2_000_000,
        max_audio_s=60,
        rate_limit=5,
        samples_per_subject=3,
    )
    services = FakeServices(changed, faces=FakeFaces(pad=None), voices=None)
    with serving(services) as served, served.client() as client:
        told = client.get(PATH).json()
    assert (told["consent"], told["enrolment_gate"]) == ("required", "strict")
    assert told["voices"] is False
    assert told["limits"] == {
        "image_bytes": 2_000_000,
        "image_pixels": 40_000_000,
        "audio_bytes": 10_000_000,
        "audio_s": 60.0,
        "faces": 100,
        "samples_per_subject": 3,
        "calls_per_s": 5.0,
    }


def test_without_an_attack_detector_there_is_no_liveness(client: httpx.Client) -> None:
    assert client.get(PATH).json()["liveness"] is True
