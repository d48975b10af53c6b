"""A user of /v0 who was given further faces is compared with all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    SampleId,
    Template,
    UserToken,
)
from perse.domain.samples import ModelName
from perse.errors import ReferenceModelMismatch, UserTokenNotFound
from tests.fakes.subjects import FakeSamples
from tests.pipelines.test_enrolment import ACME, GIVEN, House, picture, verify
from tests.storage.samples import entry


@pytest.fixture
def house() -> House:
    return House()


def also(house: House, token: UserToken, shade: int, model: str = "net") -> None:
    """One more face, as the network sees a picture of that shade."""
    features = np.zeros(256, np.float32)
    features[shade] = 1
    at = house.clock()
    record = ReferenceRecord(token, ModelName(model), {}, at, at, SampleId(f"face {shade}"))
    reference = BiometricReference(record, Template.of(features, record.model))
    FakeSamples(house.store).add_sample(
        reference, entry=replace(entry(ACME.tenant_id), user_token=token), most=20
    )


def test_all_faces_of_a_user_decide_together(house: House) -> None:
    token = house.enrol(ACME, picture(7), declaration=GIVEN).user_token
    alone = verify(house, token, picture(7))
    also(house, token, 9)
    with_both = verify(house, token, picture(7))
    assert with_both.resemblance.effective == pytest.approx(
        alone.resemblance.effective / 2, abs=0.02
    )
    assert with_both.similarity < alone.similarity
    assert with_both.cosine == 1.0
    assert verify(house, token, picture(9)).similarity == with_both.similarity
    assert verify(house, token, picture(11)).similarity < with_both.similarity


def test_faces_of_another_network_take_no_part(house: House) -> None:
    token = house.enrol(ACME, picture(7), declaration=GIVEN).user_token
    alone = verify(house, token, picture(7))
    also(house, token, 9, model="older-net")
    assert verify(house, token, picture(7)).resemblance == alone.resemblance


def test_a_user_all_of_whose_faces_are_of_another_network_cannot_be_compared(
    house: House,
) -> None:
    token = house.enrol(ACME, picture(7), declaration=GIVEN).user_token
    FakeSamples(house.store).remove_sample(
        token, SampleId(token), entry=replace(entry(ACME.tenant_id), user_token=token)
    )
    with pytest.raises(UserTokenNotFound):
        verify(house, token, picture(7))
    also(house, token, 9, model="older-net")
    with pytest.raises(ReferenceModelMismatch):
        verify(house, token, picture(9))
