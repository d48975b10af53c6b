from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes import FakeServices, picture, settings
from tests.served import Served, serving

CONSENT = "client_declaration_enduser_consent"


@pytest.fixture(scope="module")
def served_by_mode() -> Iterator[dict[str, Served]]:
    with (
        serving(FakeServices(settings(consent="recorded"))) as recorded,
        serving(FakeServices(settings(consent="required"))) as required,
    ):
        yield {"recorded": recorded, "required": required}


RULES = [
    ("true", "recorded", 200, None),
    (" true\r\n", "recorded", 200, None),
    (None, "recorded", 200, None),
    ("false", "recorded", 400, "enduser_consent_required"),
    ("", "recorded", 400, "invalid_parameter"),
    ("True", "recorded", 400, "invalid_parameter"),
    ("yes", "recorded", 400, "invalid_parameter"),
    ("1", "recorded", 400, "invalid_parameter"),
    ("true", "required", 200, None),
    (None, "required", 400, "enduser_consent_required"),
    ("false", "required", 400, "enduser_consent_required"),
    ("maybe", "required", 400, "invalid_parameter"),
]


@pytest.mark.parametrize(("declared", "mode", "status", "code"), RULES)
def test_consent(
    served_by_mode: dict[str, Served],
    declared: str | None,
    mode: str,
    status: int,
    code: str | None,
) -> None:
    served = served_by_mode[mode]
    faces = served.services.faces
    before = len(faces.decoded)
    with served.client() as client:
        data = {} if declared is None else {CONSENT: declared}
        answer = client.post("/v0/face/detect", files={"image_file": picture()}, data=data)
    assert answer.status_code == status
    assert answer.json().get("code") == code
    assert (len(faces.decoded) > before) == (status == 200), "refused pictures are not processed"
