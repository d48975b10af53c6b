"""What a client does about a refusal, read off step by step: nobody sends, nobody sleeps."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from perse_client import Patience, errors
from perse_client.call import Call
from perse_client.conversation import Conversations, Renew, Send, Step, Wait
from perse_client.operations.collections import delete_collection, get_collection, put_collection
from perse_client.operations.faces import detect_faces
from perse_client.operations.measures import Answer
from perse_client.operations.subjects import change_subject, create_subject, delete_subject
from perse_client.operations.system import check_ready
from perse_client.operations.users import update_user
from perse_client.replies import Reply
from perse_client.session import Secret, Session

DONE = httpx.Response(200, json={"time_taken": 0.1, "status": 200})
TOKEN = Secret("token")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def conversations(*, clock: Clock | None = None, **patience: Any) -> Conversations:  # noqa: ANN401
    """Of a client that is logged in."""
    session = Session(Secret("key"), clock or Clock())
    session.keep(TOKEN)
    return Conversations(session, Patience(**patience))


def refusal(status: int, code: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": code}, headers=headers)


def busy(wait_s: int | None = 7) -> httpx.Response:
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return refusal(503, "overloaded", **headers)


def lost() -> httpx.ReadError:
    return httpx.ReadError("connection reset")


def steps(
    call: Call[Any], replies: list[Reply], of: Conversations | None = None
) -> tuple[list[str | float], object]:
    """What is done when these are the replies to what is sent, and how it ends."""
    conversation, done, coming = (of or conversations()).about(call), [], iter(replies)
    reply: Reply | None = None
    try:
        while True:
            step: Step = conversation.send(reply)
            done.append(_name(step))
            reply = next(coming) if isinstance(step, Send) else None
    except StopIteration as end:
        return done, end.value
    except errors.PerseError as error:
        return done, error


def _name(step: Step) -> str | float:
    match step:
        case Wait(seconds):
            return seconds
        case Renew():
            return "renew"
    return "send"


def call_that_makes() -> Call[Any]:
    return create_subject()


QUESTION = Call(method="GET", path="/", answer=Answer)


def test_the_client_waits_as_long_as_it_is_told() -> None:
    done, answer = steps(QUESTION, [busy(7), busy(0), DONE])
    assert done == ["send", 7.0, "send", 0.0, "send"]
    assert answer == Answer(time_taken=0.1, status=200)


def test_where_nobody_says_how_long_each_wait_is_twice_the_last() -> None:
    done, answer = steps(QUESTION, [busy(None), lost(), DONE])
    assert done == ["send", 0.5, "send", 1.0, "send"]
    assert isinstance(answer, Answer)


def test_the_client_gives_up_after_as_many_tries_as_it_may() -> None:
    done, error = steps(QUESTION, [busy(1)] * 9)
    assert done == ["send", 1.0, "send", 1.0, "send"]
    assert isinstance(error, errors.Overloaded)
    assert error.retry_after_s == 1
    once, error = steps(QUESTION, [lost()], conversations(tries=1))
    assert once == ["send"]
    assert isinstance(error, errors.Unreachable)


def test_the_client_waits_no_longer_than_it_may() -> None:
    done, error = steps(QUESTION, [busy(31)])
    assert done == ["send"]
    assert isinstance(error, errors.Overloaded)
    assert error.retry_after_s == 31
    assert steps(QUESTION, [busy(31), DONE], conversations(longest_wait_s=60))[0][1] == 31.0


@pytest.mark.parametrize("said", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "soon", "\u0663"])
def test_a_wait_that_cannot_be_read_is_none(said: str) -> None:
    refused = httpx.Response(503, headers=[(b"Retry-After", said.encode())])
    assert steps(QUESTION, [refused, DONE])[0] == ["send", 0.5, "send"]


REPEATED = [
    detect_faces(b"-"),
    create_subject(),
    get_collection("staff"),
    put_collection("staff"),
    update_user("u", b"-"),
]
ONCE = [
    delete_collection("staff"),
    delete_subject("s"),
    change_subject("s", external_id="x"),
    check_ready(),
]


@pytest.mark.parametrize("call", REPEATED, ids=lambda call: f"{call.method} {call.path}")
@pytest.mark.parametrize("reply", [busy(0), lost(), refusal(503, "storage_unavailable")])
def test_what_may_be_repeated_is(call: Call[Any], reply: Reply) -> None:
    assert steps(call, [reply] * 3, conversations(first_wait_s=0))[0].count("send") == 3


@pytest.mark.parametrize("call", ONCE, ids=lambda call: f"{call.method} {call.path}")
@pytest.mark.parametrize("reply", [busy(0), lost(), refusal(503, "storage_unavailable")])
def test_what_may_have_been_done_is_not_done_twice(call: Call[Any], reply: Reply) -> None:
    done, error = steps(call, [reply])
    assert done == ["send"]
    assert isinstance(error, errors.TryLater)


@pytest.mark.parametrize("call", ONCE, ids=lambda call: f"{call.method} {call.path}")
def test_what_was_over_the_rate_limit_was_not_begun_and_is_sent_again(call: Call[Any]) -> None:
    refused = refusal(429, "rate_limited", **{"Retry-After": "2"})
    done, _ = steps(call, [refused, refused, refusal(404)])
    assert done == ["send", 2.0, "send", 2.0, "send"]


@pytest.mark.parametrize("reply", [refusal(400), refusal(404), refusal(422), refusal(500)])
def test_what_time_does_not_heal_is_not_repeated(reply: httpx.Response) -> None:
    assert steps(QUESTION, [reply])[0] == ["send"]


def test_a_repeated_request_goes_by_the_same_name() -> None:
    call = call_that_makes()
    conversation = conversations().about(call)
    first = conversation.send(None)
    assert conversation.send(lost()) == Wait(0.5)
    again = conversation.send(None)
    assert isinstance(first, Send)
    assert isinstance(again, Send)
    assert first.call.headers["Idempotency-Key"] == again.call.headers["Idempotency-Key"]
    assert call_that_makes().headers != first.call.headers


def test_after_a_401_the_token_is_renewed_once() -> None:
    done, answer = steps(QUESTION, [refusal(401, "unauthorized"), DONE])
    assert done == ["send", "renew", "send"]
    assert isinstance(answer, Answer)
    done, error = steps(QUESTION, [refusal(401, "unauthorized")] * 2)
    assert done == ["send", "renew", "send"]
    assert isinstance(error, errors.Unauthorized)


def test_whatever_was_refused_for_its_token_is_sent_again() -> None:
    """It was not begun."""
    done, _ = steps(delete_subject("s"), [refusal(401), refusal(404)])
    assert done == ["send", "renew", "send"]


def test_who_asks_without_a_token_renews_none() -> None:
    done, error = steps(check_ready(), [refusal(401)])
    assert done == ["send"]
    assert isinstance(error, errors.Unauthorized)


def test_who_has_no_token_logs_in_first() -> None:
    fresh = Conversations(Session(Secret("key"), Clock()), Patience())
    assert steps(QUESTION, [], fresh)[0][0] == "renew"


def jwt(life_s: float) -> Secret:
    claims = json.dumps({"iat": 0, "exp": life_s}).encode()
    return Secret(f"x.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x")


def test_a_token_is_renewed_before_its_end_whatever_the_servers_clock_says() -> None:
    clock = Clock()
    session = Session(Secret("key"), clock)
    session.keep(jwt(900))
    clock.now_s += 719
    assert session.token == jwt(900)
    clock.now_s += 2
    assert session.token is None
    talks = Conversations(session, Patience())
    assert steps(QUESTION, [DONE], talks)[0] == ["renew", "send"]


@pytest.mark.parametrize("token", [Secret("no token"), Secret("a.b.c"), jwt(-1), Secret("a.e30.c")])
def test_a_token_that_tells_no_end_is_used_until_it_is_refused(token: Secret) -> None:
    clock = Clock()
    session = Session(Secret("key"), clock)
    session.keep(token)
    clock.now_s += 1e9
    assert session.token == token


def test_one_login_serves_all_who_wait_for_it() -> None:
    talks = conversations()
    renewal = talks.about_another_token(TOKEN)
    assert isinstance(renewal.send(None), Send)
    with pytest.raises(StopIteration):
        renewal.send(httpx.Response(200, json={"token": "new", "time_taken": 0.1, "status": 200}))
    assert talks.session.token == Secret("new")
    with pytest.raises(StopIteration):
        talks.about_another_token(TOKEN).send(None)


@pytest.mark.parametrize(
    "wrong", [{"tries": 0}, {"first_wait_s": -1.0}, {"longest_wait_s": -0.1}], ids=str
)
def test_patience_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="tries"):
        Patience(**wrong)
