"""Compressed bodies."""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from tests.fakes.faces import picture
from tests.served import BOUNDARY, form, part

DETECT = "/v0/face/detect"
FORM = form(part("image_file", picture()))
FORM_TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(FORM)),
        ("deflate", zlib.compress(FORM)),
        ("br", b"\x8b\x02\x80brotli"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("X-GZIP", gzip.compress(FORM)),
        ("identity, gzip", gzip.compress(FORM)),
        ("gzip", FORM),
        ("gzip", b""),
    ],
)
def test_an_encoded_form_is_refused_by_the_name_of_its_encoding(
    client: httpx.Client, encoding: str, body: bytes
) -> None:
    answer = client.post(DETECT, content=body, headers={**FORM_TYPE, "Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "content_encoding_unsupported")
    assert encoding.lower().split()[-1] in answer.json()["message"]
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["identity", "Identity", "", ", identity"])
def test_identity_is_no_encoding(client: httpx.Client, encoding: str) -> None:
    headers = {**FORM_TYPE, "Content-Encoding": encoding}
    assert client.post(DETECT, content=FORM, headers=headers).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "identity,br"])
def test_an_encoded_login_is_refused_alike(client: httpx.Client, encoding: str) -> None:
    body = gzip.compress(b'{"privateKey": "x"}')
    answer = client.post("/v0/login", content=body, headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "content_encoding_unsupported")


def test_the_name_of_an_encoding_is_not_repeated_at_length(client: httpx.Client) -> None:
    headers = {**FORM_TYPE, "Content-Encoding": "x" * 9000}
    assert len(client.post(DETECT, content=FORM, headers=headers).text) < 300
