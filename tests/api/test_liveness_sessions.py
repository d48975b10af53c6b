"""Liveness sessions over HTTP, and one from end to end over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from perse.api.v1 import SOCKETS
from perse.api.v1.liveness_conversation import SUBPROTOCOL
from perse.auth.liveness_verdicts import AUDIENCE
from perse.domain.access import Permission
from perse.domain.consent import Declaration, Processing
from perse.domain.session_frames import Prompt
from perse.domain.session_lockout import LockoutPolicy
from tests.fakes.clients import A_FRAME_S, frame
from tests.fakes.faces import FakeFaces, picture
from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving

PATH = "/v1/liveness/sessions"
NOBODY = "00000000-0000-4000-8000-000000000000"
SHOP = "https://shop.example"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(sockets=SOCKETS) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as http:
        yield http


def opened(client: httpx.Client, **order: object) -> dict[str, Any]:
    answer = client.post(PATH, json=order)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def shown(client: httpx.Client, session: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = client.get(f"{PATH}/{session['session_id']}").json()
    return said


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def subject(client: httpx.Client, *identities: int) -> str:
    made: str = client.post("/v1/subjects", json={}).json()["id"]
    for identity in identities:
        client.post(f"/v1/subjects/{made}/faces", files={"image_file": picture(identity)})
    return made


def joined(served: Served, token: str, *, origin: str | None = None) -> ClientConnection:
    return connect(
        served.url.replace("http", "ws") + "/v1/liveness/socket",
        subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"token.{token}")],
        origin=Origin(origin) if origin else None,
        compression=None,
        proxy=None,
    )


def follow(served: Served, talk: ClientConnection) -> list[dict[str, Any]]:
    """Do what is asked until it is over: a frame for every message, and one more."""
    heard, number, holds = list[dict[str, Any]](), 0, Prompt.LOOK_AHEAD
    with suppress(ConnectionClosed):
        while not heard or heard[-1].get("type") != "finished":
            try:
                heard.append(json.loads(talk.recv(timeout=0.02)))
            except TimeoutError:
                served.services.clock.pass_time(seconds=A_FRAME_S)
                number += 1
                talk.send(frame(number, holds))
                continue
            if heard[-1].get("type") == "prompt":
                holds = Prompt(heard[-1]["prompt"])
    return heard


# --- opened, read, revoked -----------------------------------------------------------------------


def test_a_request_that_is_repeated_gets_the_same_session_and_the_same_token(
    served: Served, client: httpx.Client
) -> None:
    name = {"Idempotency-Key": "sign-up-17"}
    once, again = (client.post(PATH, json={"ttl_s": 60}, headers=name).json() for _ in range(2))
    assert {**again, "time_taken": 0} == {**once, "time_taken": 0}
    other = client.post(PATH, json={"ttl_s": 61}, headers=name)
    assert refusal(other) == (400, "invalid_parameter")
    with joined(served, once["client_token"]) as talk:
        assert follow(served, talk)[-1] == {"type": "finished"}
    with joined(served, again["client_token"]) as talk:
        assert json.loads(talk.recv())["code"] == "unauthorized"
    assert client.delete(f"{PATH}/{once['session_id']}").status_code == 200
    gone = client.post(PATH, json={"ttl_s": 60}, headers=name)
    assert refusal(gone) == (404, "session_not_found")


def test_what_could_not_be_served_is_refused_and_may_come_again() -> None:
    """One worker is enough for so many, by what a frame is known to take before any came."""
    busy = FakeServices(settings(workers=1))
    with serving(busy, sockets=SOCKETS) as served, served.client() as client, ExitStack() as stack:
        made = [opened(client) for _ in range(8)]
        for session in made[:7]:
            talk = stack.enter_context(joined(served, session["client_token"]))
            assert json.loads(talk.recv())["frames"]["per_s"] <= 10
        refused = client.post(PATH, json={})
        assert refusal(refused) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) > 1
        with joined(served, made[7]["client_token"]) as late:
            assert json.loads(late.recv())["code"] == "overloaded"
        assert shown(client, made[7])["state"] == "created"
        talk.close()
        while shown(client, made[6])["state"] == "started":
            pass
        with joined(served, made[7]["client_token"]) as again:
            assert json.loads(again.recv())["type"] == "ready"


def test_a_session_is_opened_as_it_was_asked_for(served: Served, client: httpx.Client) -> None:
    token = subject(client, 1)
    made = opened(client, kind="passive", ttl_s=60, subject_id=token, correlation_id="device 17")
    assert (made["kind"], made["state"], made["on_pass"]) == ("passive", "created", "verify")
    assert (made["subject_id"], made["correlation_id"]) == (token, "device 17")
    known = shown(client, made)
    same = made.keys() - {"client_token", "capture_url", "socket_url", "time_taken"}
    assert {key: known[key] for key in same} == {key: made[key] for key in same}
    assert (known["reasons"], known["scores"], "verdict" in known) == ([], {}, False)
    served.services.clock.pass_time(seconds=60)
    assert shown(client, made)["state"] == "expired"


def test_a_session_is_of_head_turns_and_five_minutes_where_nothing_is_said(
    client: httpx.Client,
) -> None:
    made = opened(client)
    assert made["kind"] == "head_turns"
    assert "on_pass" not in made
    begin, end = (datetime.fromisoformat(made[key]) for key in ("created_at", "expires_at"))
    assert end - begin == timedelta(minutes=5)


def test_the_capture_page_is_told_the_token(client: httpx.Client) -> None:
    made = opened(client)
    page = urlsplit(made["capture_url"])
    assert (page.scheme, page.path) == ("", "/capture/")
    assert (page.query, page.fragment) == ("", f"token={made['client_token']}")
    assert made["socket_url"] == "/v1/liveness/socket"


def test_links_lead_to_where_clients_find_the_server() -> None:
    services = FakeServices()
    services.liveness.public_url = "https://bio.example/at"
    with serving(services, sockets=SOCKETS) as server, server.client() as client:
        made = opened(client)
    assert made["capture_url"].startswith("https://bio.example/at/capture/#token=")
    assert made["socket_url"] == "wss://bio.example/at/v1/liveness/socket"


def test_links_are_under_the_path_where_a_proxy_shows_the_server() -> None:
    with (
        serving(FakeServices(settings(root_path="/bio")), sockets=SOCKETS) as server,
        server.client() as client,
    ):
        made = opened(client)
    assert made["capture_url"].startswith("/bio/capture/#token=")


WRONG: dict[str, tuple[dict[str, object], tuple[int, str]]] = {
    "kind": ({"kind": "blink"}, (400, "invalid_parameter")),
    "too short": ({"ttl_s": 59}, (400, "invalid_parameter")),
    "too long": ({"ttl_s": 601}, (400, "invalid_parameter")),
    "no number": ({"ttl_s": "60"}, (400, "invalid_parameter")),
    "a truth": ({"ttl_s": True}, (400, "invalid_parameter")),
    "nobody": ({"subject_id": NOBODY}, (404, "subject_not_found")),
    "no id": ({"subject_id": "me"}, (404, "subject_not_found")),
    "of nobody": ({"on_pass": "enrol"}, (400, "invalid_parameter")),
    "on_pass": ({"subject_id": NOBODY, "on_pass": "pay"}, (400, "invalid_parameter")),
    "no name": ({"correlation_id": ""}, (400, "invalid_parameter")),
    "a long name": ({"correlation_id": "x" * 201}, (400, "invalid_parameter")),
    "lines": ({"correlation_id": "a\nb"}, (400, "invalid_parameter")),
    "a page": ({"origin": f"{SHOP}/"}, (400, "invalid_parameter")),
    "a host in capitals": ({"origin": "https://Shop.example"}, (400, "invalid_parameter")),
    "a scheme in capitals": ({"origin": "HTTPS://shop.example"}, (400, "invalid_parameter")),
    "a port that goes without saying": ({"origin": f"{SHOP}:443"}, (400, "invalid_parameter")),
    "the other one": ({"origin": "http://shop.example:80"}, (400, "invalid_parameter")),
    "a host": ({"origin": "shop.example"}, (400, "invalid_parameter")),
    "more": ({"speed": 3}, (400, "invalid_parameter")),
    "perhaps": (
        {"client_declaration_enduser_consent": "true"},
        (400, "invalid_parameter"),
    ),
    "refused": (
        {"client_declaration_enduser_consent": False},
        (400, "enduser_consent_required"),
    ),
}


@pytest.mark.parametrize(("order", "expected"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_opened_is_refused(
    client: httpx.Client, order: dict[str, object], expected: tuple[int, str]
) -> None:
    assert refusal(client.post(PATH, json=order)) == expected


def test_there_is_nothing_to_verify_with_where_a_subject_has_no_face(client: httpx.Client) -> None:
    token = subject(client)
    assert refusal(client.post(PATH, json={"subject_id": token})) == (404, "sample_not_found")
    assert opened(client, subject_id=token, on_pass="enrol")["on_pass"] == "enrol"


def test_a_passive_session_is_not_opened_where_nothing_detects_attacks() -> None:
    services = FakeServices(faces=FakeFaces(pad=None))
    with serving(services, sockets=SOCKETS) as server, server.client() as client:
        answer = client.post(PATH, json={"kind": "passive"})
        assert refusal(answer) == (400, "invalid_parameter")
        assert "attack detector" in answer.json()["message"]
        opened(client, kind="head_turns")


def test_a_refusal_of_consent_is_in_the_ledger(served: Served, client: httpx.Client) -> None:
    client.post(PATH, json={"client_declaration_enduser_consent": False})
    noted = served.services.ledger.entries[-1]
    assert (noted.operation, noted.declaration) == (
        Processing.LIVENESS_OPEN,
        Declaration.REFUSED,
    )


def test_where_consent_is_required_a_session_needs_its_declaration() -> None:
    with (
        serving(FakeServices(settings(consent="required")), sockets=SOCKETS) as server,
        server.client() as client,
    ):
        assert refusal(client.post(PATH, json={})) == (400, "enduser_consent_required")
        opened(client, client_declaration_enduser_consent=True)


@pytest.mark.parametrize("on_pass", ["verify", "enrol"])
def test_what_a_session_ends_with_needs_its_permission_too(
    served: Served, client: httpx.Client, on_pass: str
) -> None:
    order = {"subject_id": subject(client, 1), "on_pass": on_pass}
    for allowed, expected in ((Permission.LIVENESS,), 403), ((Permission.LIVENESS, on_pass), 200):
        may = frozenset(map(Permission, allowed))
        name = f"kiosk {on_pass} {expected}"
        _, key = served.services.keys.create(name, permissions=may, tenant_of="first")
        with httpx.Client(base_url=served.url, headers={"x-api-key": key}) as kiosk:
            assert kiosk.post(PATH, json=order).status_code == expected
            assert kiosk.post(PATH, json={}).status_code == 200


def test_who_may_look_at_faces_may_not_see_or_revoke_sessions(
    served: Served, client: httpx.Client
) -> None:
    one = f"{PATH}/{opened(client)['session_id']}"
    may = frozenset(Permission) - {Permission.LIVENESS}
    _, key = served.services.keys.create("pages", permissions=may, tenant_of="first")
    with httpx.Client(base_url=served.url, headers={"x-api-key": key}) as page:
        for answer in (page.post(PATH, json={}), page.get(one), page.delete(one)):
            assert refusal(answer) == (403, "permission_missing")
    assert client.get(one).status_code == 200


def test_a_revoked_session_is_not_there(served: Served, client: httpx.Client) -> None:
    made = opened(client)
    one = f"{PATH}/{made['session_id']}"
    assert client.delete(one).status_code == 200
    assert refusal(client.get(one)) == refusal(client.delete(one)) == (404, "session_not_found")
    with joined(served, made["client_token"]) as talk:
        assert follow(served, talk)[-1]["code"] == "unauthorized"


def test_sessions_of_another_tenant_are_not_there(served: Served, client: httpx.Client) -> None:
    made, mine = opened(client), subject(client, 1)
    _, other_key = served.services.keys.create("another")
    with httpx.Client(base_url=served.url, headers={"x-api-key": other_key}) as other:
        one = f"{PATH}/{made['session_id']}"
        never = f"{PATH}/{NOBODY}"
        for ask in (other.get, other.delete):
            assert ask(one).json()["message"] == ask(never).json()["message"]
            assert refusal(ask(one)) == (404, "session_not_found")
        assert refusal(other.post(PATH, json={"subject_id": mine})) == (404, "subject_not_found")
    assert shown(client, made)["state"] == "created"


# --- from end to end -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_session_passes_and_a_third_party_can_check_it(
    served: Served, client: httpx.Client
) -> None:
    made = opened(client, subject_id=subject(client, 7))
    with joined(served, made["client_token"]) as talk:
        heard = follow(served, talk)
    assert (heard[0]["type"], heard[-1]) == ("ready", {"type": "finished"})
    known = shown(client, made)
    assert (known["state"], known["reasons"]) == ("passed", [])
    assert known["verification"]["decision"] == "match"
    assert known["scores"]
    assert known["limits"].keys() >= {"pad", "relief"}
    keys = client.get("/.well-known/jwks.json", headers={"x-api-key": ""}).json()
    checked = jws.deserialize_compact(
        known["verdict"], KeySet.import_key_set(keys), algorithms=["EdDSA"]
    )
    said = json.loads(checked.payload)
    assert (said["sub"], said["aud"], said["verdict"]) == (made["session_id"], AUDIENCE, "passed")
    assert checked.headers()["typ"] == "perse-liveness-verdict+jwt"


def test_an_export_of_a_subject_holds_its_sessions(served: Served, client: httpx.Client) -> None:
    mine = subject(client, 7)
    made = opened(client, subject_id=mine, correlation_id="device 18")
    with joined(served, made["client_token"]) as talk:
        follow(served, talk)
    known = shown(client, made)
    opened(client)
    exported = client.get(f"/v1/subjects/{mine}/export").json()
    (held,) = exported["subjects"]
    (told,) = held["liveness_sessions"]
    assert (told["id"], told["state"]) == (made["session_id"], "passed")
    assert (told["verdict"], told["correlation_id"]) == (known["verdict"], "device 18")
    outcome = told["outcome"]
    assert outcome["scores"] == known["scores"]
    assert outcome["best_frame_sha256"] == known["best_frame_sha256"]
    assert outcome["compared"]["decision"] == "match"
    assert "None" not in str(exported)


def test_a_verdict_that_was_changed_does_not_verify(served: Served, client: httpx.Client) -> None:
    made = opened(client)
    with joined(served, made["client_token"]) as talk:
        talk.send(json.dumps({"type": "cancel"}))
        follow(served, talk)
    known = shown(client, made)
    assert (known["state"], known["reasons"]) == ("failed", ["abandoned"])
    head, body, signature = known["verdict"].split(".")
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    other = opened(client)
    with joined(served, other["client_token"]) as talk:
        talk.send(json.dumps({"type": "cancel"}))
        follow(served, talk)
    swapped = ".".join([head, shown(client, other)["verdict"].split(".")[1], signature])
    assert swapped != known["verdict"]
    for text, good in ((known["verdict"], True), (swapped, False)):
        with suppress(jwt.InvalidSignatureError):
            jwt.decode(
                text,
                keys.keys[0],
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                options={"verify_iat": False},
            )
            assert good
    assert body


def test_a_token_is_used_up_by_the_first_who_comes(served: Served, client: httpx.Client) -> None:
    made = opened(client)
    with joined(served, made["client_token"]) as first:
        assert json.loads(first.recv(timeout=5))["type"] == "ready"
        with joined(served, made["client_token"]) as second:
            assert follow(served, second)[-1]["code"] == "unauthorized"
            assert second.close_code == 1008
        assert follow(served, first)[-1] == {"type": "finished"}
    assert shown(client, made)["state"] == "passed"


def test_credentials_of_the_api_let_nobody_in(served: Served, client: httpx.Client) -> None:
    login = client.post("/v0/login", json={"privateKey": served.services.api_key}).json()
    for token in (login["token"], served.services.api_key, "a.b.c", ""):
        with pytest.raises(InvalidStatus) as refused:
            joined(served, token)
        assert refused.value.response.status_code == 401


def test_a_client_token_is_no_credential_of_the_api(served: Served, client: httpx.Client) -> None:
    token = opened(client)["client_token"]
    with httpx.Client(base_url=served.url, timeout=10) as stranger:
        bearer = {"Authorization": f"Bearer {token}"}
        for path in ("/v1/subjects", f"{PATH}/{NOBODY}"):
            assert stranger.get(path, headers=bearer).status_code == 401


def test_a_session_of_an_origin_is_run_from_there_alone(
    served: Served, client: httpx.Client
) -> None:
    token = opened(client, origin=SHOP)["client_token"]
    assert opened(client, origin=f"{SHOP}:8443")["client_token"]
    for origin in ("https://evil.example", None):
        with pytest.raises(InvalidStatus) as refused:
            joined(served, token, origin=origin)
        assert refused.value.response.status_code == 401
    with joined(served, token, origin=SHOP) as talk:
        assert json.loads(talk.recv(timeout=5))["type"] == "ready"


def test_who_fails_too_often_is_locked_out_everywhere(client: httpx.Client, served: Served) -> None:
    ahead = opened(client, correlation_id="device 17")
    for _ in range(LockoutPolicy().most):
        made = opened(client, correlation_id="device 17")
        with joined(served, made["client_token"]) as talk:
            talk.send(json.dumps({"type": "cancel"}))
            follow(served, talk)
    answer = client.post(PATH, json={"correlation_id": "device 17"})
    assert refusal(answer) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) == 300
    with joined(served, ahead["client_token"]) as talk:
        assert follow(served, talk)[-1]["code"] == "rate_limited"
    served.services.clock.pass_time(minutes=5)
    opened(client, correlation_id="device 17")
