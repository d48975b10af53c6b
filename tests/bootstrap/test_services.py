"""The whole installation, opened and closed as a server does it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from perse.auth.api_keys import ApiKeys
from perse.auth.credentials import Credentials
from perse.auth.receipts import check_receipt
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.bootstrap.services import Services, open_services
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.weights import obtain_networks
from perse.domain.consent import Declaration
from perse.domain.identification import Candidate, SearchTerms
from perse.media.image_decoder import decode_image
from perse.pipelines.comparison import Picture
from perse.pipelines.probe import Probe
from perse.settings import Settings, load_settings
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.conftest import REPOSITORY
from tests.media.pictures import PORTRAITS

SIGNING_KEYS = SigningKeys((SigningKey.generate(),))


@pytest.fixture(scope="module")
def settings(
    tmp_path_factory: pytest.TempPathFactory, catalog: Catalog, weights: WeightStore
) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    (folder / "weights").symlink_to(REPOSITORY / "build" / "weights")
    return load_settings(
        data_dir=folder,
        pack="standard",
        offline=True,
        consent="required",
        reference_ttl_days=30,
        token_signing_keys=json.dumps(SIGNING_KEYS.private_jwks()),
    )


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    with closing(open_services(settings, obtain_networks(settings))) as opened:
        yield opened


def test_every_network_runs_before_the_first_request(services: Services) -> None:
    services.warm()
    assert services.pack == "standard"
    assert services.models["face_embedder"] == services.faces.capture.embedder.model


def test_who_is_enrolled_is_found_among_the_enrolled(services: Services) -> None:
    key, _ = ApiKeys(services.storage.keys).create("door")
    enrolment = services.enrolment
    pictures = {
        name: (PORTRAITS / f"{name}.jpg").read_bytes() for name in ("obama_2010", "obama_2012")
    }
    first, second = (
        Picture(name, lambda content=content: decode_image(content))  # type: ignore[misc]
        for name, content in pictures.items()
    )

    def candidates() -> tuple[Candidate, ...]:
        found = services.searching.identify(key.caller, Probe(second), SearchTerms())
        assert found.face is not None
        return found.face.identification.candidates

    assert candidates() == ()
    token = enrolment.enrol(key.caller, first, declaration=Declaration.GIVEN).user_token
    (candidate,) = candidates()
    compared = services.faces.compare(first, second)
    assert (candidate.subject, candidate.similarity) == (token, compared.similarity)


def test_one_list_of_keys_signs_tokens_and_receipts(services: Services) -> None:
    _, text = ApiKeys(services.storage.keys).create("shop")
    token = services.authenticator.login(text)
    caller = services.authenticator.authenticate(Credentials(token=token))
    content = (PORTRAITS / "obama_2010.jpg").read_bytes()
    picture = Picture("the picture", lambda: decode_image(content))
    enrolment = services.enrolment
    user_token = enrolment.enrol(caller, picture, declaration=Declaration.GIVEN).user_token
    receipt = enrolment.delete(caller, user_token)
    claims = check_receipt(receipt.jws, SIGNING_KEYS.public_by_kid(), user_token=user_token)
    assert claims["event"] == "reference_deleted"
    assert services.authenticator.public_jwks() == SIGNING_KEYS.public_jwks()


def test_what_the_settings_say_reaches_the_use_cases(services: Services) -> None:
    assert services.consent.required
    assert services.enrolment.purge.lifetime == timedelta(days=30)
    assert services.enrolment.verify.guesses is services.storage.guesses
    assert services.enrolment.verify.previous is None
    assert services.call_limits is None
    assert services.enrolment.retry_key("a", b"1") == services.enrolment.retry_key("a", b"1")
    assert services.enrolment.retry_key("a", b"1") != services.enrolment.retry_key("a", b"2")


def test_nothing_runs_or_stays_open_after_the_end(settings: Settings) -> None:
    changed = settings.model_copy(update={"database_url": None, "limit_guesses": False})
    before = {thread.name for thread in threading.enumerate()}
    services = open_services(changed, obtain_networks(changed))
    assert services.enrolment.verify.guesses is None
    services.close()
    left = {thread.name for thread in threading.enumerate()} - before
    assert not {name for name in left if name.startswith("perse")}


def test_signing_keys_are_made_once_in_a_data_folder(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    made = open_signing_keys(settings).public_jwks()
    assert settings.signing_key_file.is_file()
    assert open_signing_keys(settings).public_jwks() == made
