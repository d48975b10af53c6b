"""Good requests as bytes, to be damaged."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from perse.domain.consent import Declaration
from perse.domain.references import UserToken
from perse.domain.subjects import CollectionName, SubjectDetails
from perse.pipelines.comparison import Picture
from perse.pipelines.voice import Recording
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices
from tests.fakes.voices import FakeVoices, recording
from tests.served import form, part, post

# Of a subject made in 1970, who is gone.
_CURSOR = base64.urlsafe_b64encode(b"1 00000000-0000-4000-8000-000000000000").decode().rstrip("=")
_CONSENT = part("client_declaration_enduser_consent", b"true")


def good_requests(api_key: str) -> Mapping[str, bytes]:
    """One of every form of body."""
    one, two = part("image_file1", picture(1)), part("image_file2", picture(2))
    detect = form(part("image_file", picture(), "Content-Type: image/jpeg"), _CONSENT)
    login = json.dumps({"privateKey": api_key}).encode()
    return {
        "detect": post("/v0/face/detect", detect, key=api_key),
        "detect, chunked": post(
            "/v0/face/detect", _chunked(detect), "Transfer-Encoding: chunked", key=api_key
        ),
        "compare": post("/v0/face/compare", form(one, two), key=api_key),
        "login": b"POST /v0/login HTTP/1.1\r\nHost: perse.test\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(login), login),
        "a page of the list": _get("/v0/face/enrollment/list?limit=3", "x-api-key", api_key),
    }


def requests_of_people(services: FakeServices) -> Mapping[str, bytes]:
    """One of every operation of /v1 that may come again and again: about a subject who is there,
    with a face and a voice."""
    key, subject = services.api_key, _enrolled(services)
    face, voice = part("image_file", picture(1)), part("audio_file", recording(1))
    one, terms = f"/v1/subjects/{subject}", (part("fpir", b"1e-2"), part("max_candidates", b"3"))
    retry, report = "Idempotency-Key: order-67", part("on_duplicate", b"report")
    both = form(face, voice, _CONSENT)
    details = {"external_id": "account-4711", "collections": ["staff"]}
    return {
        "make": _json("POST", "/v1/subjects", {"external_id": "account-1"}, key, retry),
        "change": _json("PATCH", one, details, key),
        "show": _get(one, "x-api-key", key),
        "a page": _get("/v1/subjects?limit=3&collection=staff", "x-api-key", key),
        "a later page": _get(f"/v1/subjects?limit=3&cursor={_CURSOR}", "x-api-key", key),
        "by name": _get("/v1/subjects?external_id=account-4711", "x-api-key", key),
        "add a face": post(f"{one}/faces", form(face, report, _CONSENT), f"{retry}8", key=key),
        "add a voice": post(f"{one}/voices", form(voice, _CONSENT), key=key),
        "voices": _get(f"{one}/voices", "x-api-key", key),
        "verify": post(f"{one}/verify", form(face, voice, part("policy", b"all")), key=key),
        "identify": post("/v1/identify", form(face, voice, *terms), key=key),
        "identify, chunked": post(
            "/v1/identify", _chunked(both), "Transfer-Encoding: chunked", key=key
        ),
        "make a collection": _json("PUT", "/v1/collections/staff", None, key),
        "collections": _get("/v1/collections", "x-api-key", key),
    }


def _enrolled(services: FakeServices) -> UserToken:
    caller, subjects = services.first_key.caller, services.subjects
    subjects.put_collection(caller, CollectionName("staff"))
    token = subjects.create(caller, SubjectDetails()).user_token
    seen = Picture("a picture", lambda: services.faces.decode(picture(1)))
    subjects.add_face(caller, token, seen, declaration=Declaration.GIVEN)
    heard = Recording("a recording", lambda: FakeVoices().decode(recording(1)))
    if subjects.add_voice:
        subjects.add_voice(caller, token, heard, declaration=Declaration.GIVEN)
    return token


def good_credentials(services: FakeServices) -> Mapping[str, bytes]:
    """One of every way to say who calls."""
    token = services.authenticator.login(services.api_key)
    path = "/v0/face/enrollment/list"
    return {
        "token": _get(path, "Authorization", f"Bearer {token}"),
        "bare token": _get(path, "Authorization", token),
        "key": _get(path, "x-api-key", services.api_key),
    }


def _json(
    method: str, path: str, body: Mapping[str, object] | None, key: str, *headers: str
) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    kind = [] if body is None else ["Content-Type: application/json"]
    length = f"Content-Length: {len(content)}"
    lines = [f"{method} {path} HTTP/1.1", "Host: perse.test", f"x-api-key: {key}", *kind, *headers]
    return "\r\n".join([*lines, length, "", ""]).encode() + content


def _get(path: str, header: str, value: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: perse.test\r\n{header}: {value}\r\n\r\n".encode()


def _chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 50] for start in range(0, len(body), 50)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
