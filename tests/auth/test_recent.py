"""Who was verified a moment ago is known without a question, for a second and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from perse.auth.api_keys import ApiKeys
from perse.auth.authenticator import Authenticator
from perse.auth.credentials import Credentials
from perse.auth.recent import RecentCallers
from perse.auth.session_tokens import SessionTokens
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.domain.access import Caller, KeyId, TenantId
from perse.errors import Unauthorized
from tests.fakes.keys import MemoryKeys
from tests.fakes.storage import FakeClock

CALLER = Caller(TenantId("acme"), KeyId("key"))


@dataclass
class Watch:
    """Seconds that pass when they are told to."""

    time_s: float = 100.0

    def __call__(self) -> float:
        return self.time_s


@pytest.fixture
def watch() -> Watch:
    return Watch()


def house(watch: Watch, clock: FakeClock | None = None) -> Authenticator:
    clock = clock or FakeClock(datetime.now(UTC))
    tokens = SessionTokens(SigningKeys((SigningKey.generate(),)), clock)
    return Authenticator(ApiKeys(MemoryKeys()), tokens, RecentCallers(clock=watch))


def test_a_key_is_recalled_for_a_second_and_due_after_half_of_it(watch: Watch) -> None:
    recent = RecentCallers(clock=watch)
    recent.keep(CALLER, asked_s=watch(), digest=bytes(32))
    for age_s, due in ((0.0, False), (0.4, False), (0.6, True), (0.99, True)):
        watch.time_s = 100 + age_s
        known = recent.by_key(bytes(32))
        assert known is not None
        assert (known.caller, known.due) == (CALLER, due)
    watch.time_s = 101.0
    assert recent.by_key(bytes(32)) is None


def test_a_second_counts_from_the_question_not_from_the_answer(watch: Watch) -> None:
    recent = RecentCallers(clock=watch)
    recent.keep(CALLER, asked_s=watch() - 1, digest=bytes(32))
    assert recent.by_key(bytes(32)) is None


def test_only_the_credentials_that_were_verified_are_recalled(watch: Watch) -> None:
    auth = house(watch)
    key, text = auth.keys.create("app")
    token = auth.login(text)
    assert auth.recall(Credentials(None, text)) is None
    auth.authenticate(Credentials(None, text))
    for api_key in (text, f" {text.upper()} "):
        known = auth.recall(Credentials(None, api_key))
        assert known is not None
        assert known.caller == key.caller
    assert auth.recall(Credentials(token, text)) is None
    auth.authenticate(Credentials(token, None))
    assert auth.recall(Credentials(token, "no")) is not None
    for other in (None, "", "no", text[:-1]):
        assert auth.recall(Credentials(None, other)) is None
        assert auth.recall(Credentials(other or "", None)) is None


def test_a_token_is_recalled_no_longer_than_it_is_valid(watch: Watch) -> None:
    clock = FakeClock(datetime.now(UTC))
    auth = house(watch, clock)
    _, text = auth.keys.create("app")
    token = auth.login(text)
    clock.time += timedelta(minutes=15)
    auth.authenticate(Credentials(token, None))
    assert auth.recall(Credentials(token, None)) is None


def test_a_revoked_key_ends_with_its_second_and_its_tokens_with_it(watch: Watch) -> None:
    auth = house(watch)
    _, text = auth.keys.create("app")
    token = auth.login(text)
    auth.authenticate(Credentials(None, text))
    auth.authenticate(Credentials(token, None))
    auth.keys.revoke("app")
    watch.time_s += 1.0
    assert auth.recall(Credentials(None, text)) is None
    assert auth.recall(Credentials(token, None)) is None


def test_what_is_kept_is_bounded_and_holds_no_credential(watch: Watch) -> None:
    auth = house(watch)
    _, text = auth.keys.create("app")
    token = auth.login(text)
    auth.authenticate(Credentials(token, None))
    auth.authenticate(Credentials(None, text))
    kept = repr([auth.recent._tokens, auth.recent._callers, auth.recent._asked])
    assert text not in kept
    assert token not in kept
    for n in range(10_050):
        auth.recent.keep(CALLER, asked_s=watch(), digest=n.to_bytes(32))
    assert len(auth.recent._callers._entries) == 10_000


def test_whose_credentials_were_is_remembered_until_they_are_refused(watch: Watch) -> None:
    authenticator = house(watch)
    key, text = authenticator.keys.create("rare")
    sent = Credentials(api_key=text)
    assert authenticator.remember(sent) is None
    authenticator.authenticate(sent)
    watch.time_s += 3600
    assert authenticator.recall(sent) is None
    assert authenticator.remember(sent) == key.caller
    authenticator.keys.revoke("rare")
    with pytest.raises(Unauthorized):
        authenticator.authenticate(sent)
    assert authenticator.remember(sent) is None


def test_whose_session_token_was_is_remembered_too(watch: Watch) -> None:
    authenticator = house(watch)
    key, text = authenticator.keys.create("rare")
    sent = Credentials(token=authenticator.login(text))
    authenticator.authenticate(sent)
    watch.time_s += 3600
    assert authenticator.remember(sent) == key.caller
    assert authenticator.remember(Credentials(token="another")) is None
    assert authenticator.remember(Credentials(api_key="no key at all")) is None
