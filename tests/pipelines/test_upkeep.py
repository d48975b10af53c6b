"""What operators do with what is kept, over fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from perse.domain.access import KeyId, TenantId
from perse.domain.chains import ChainPoint
from perse.domain.consent import ConsentEntry, Processing
from perse.domain.receipts import Destruction, DestructionEvent, Receipt, noted_in
from perse.domain.references import Modality, UserToken
from perse.domain.throttling import Bucket, Guess, RateLimit
from perse.errors import NotFound, RateLimited, UserTokenNotFound
from perse.pipelines.call_limits import CallLimits
from perse.pipelines.ledger_check import CheckChain
from perse.pipelines.lockout import UnlockUser
from perse.pipelines.tenant_erasure import EraseTenant
from tests.fakes.enrolment import FakeCallBuckets
from tests.fakes.storage import FakeClock, FakeLedger, FakeReferences, FakeSigner
from tests.storage.samples import ACME, NOW, entry, reference


@dataclass
class FakeReceipts:
    store: FakeReferences

    def list(
        self, *, tenant_id: TenantId | None = None, subject_sha256: str | None = None
    ) -> Sequence[Receipt]:
        return self.store.receipts


@dataclass
class House:
    store: FakeReferences = field(default_factory=FakeReferences)

    @property
    def ledger(self) -> FakeLedger:
        return self.store.ledger

    def enrolled(self) -> UserToken:
        made = reference()
        token = made.record.user_token
        self.store.add(made, entry=entry(token=token))
        return token

    def deleted(self) -> None:
        token = self.enrolled()
        self.store.delete(token, entry=entry(operation=Processing.DELETE, token=token))

    def problems(self, *anchors: ChainPoint) -> list[str]:
        return list(
            CheckChain(self.ledger, FakeReceipts(self.store), FakeSigner(), noted_in)(anchors)
        )


@pytest.fixture
def house() -> House:
    return House()


def test_a_ledger_that_every_note_and_receipt_agrees_with_has_no_problem(house: House) -> None:
    assert house.problems() == []
    for _ in range(3):
        house.deleted()
    noted = house.ledger.links[1].point
    house.deleted()
    assert house.problems(noted) == []


def test_a_receipt_tells_that_the_end_was_cut_off(house: House) -> None:
    house.deleted()
    house.deleted()
    del house.ledger.links[2:]
    assert house.problems() == ["entry 4 is not the one that was noted before"]


def test_a_note_tells_that_all_was_written_anew(house: House) -> None:
    house.enrolled()
    noted = house.ledger.links[0].point
    house.ledger.links.clear()
    house.ledger.append([entry()])
    assert house.problems(noted) == ["entry 1 is not the one that was noted before"]


def test_a_change_inside_is_told_once(house: House) -> None:
    house.enrolled()
    (link,) = house.ledger.links
    house.ledger.links[0] = replace(link, entry=replace(link.entry, purpose="another"))
    assert house.problems() == ["entry 1 was changed or did not come from this server"]


@pytest.mark.parametrize("jws", ["nonsense", 'signed.{"jti": "another"}'])
def test_a_receipt_that_was_changed_is_named(house: House, jws: str) -> None:
    house.deleted()
    receipt = house.store.receipts[0]
    house.store.receipts[0] = replace(receipt, jws=jws)
    told = f"receipt {receipt.receipt_id} was changed or is not signed by a known key"
    assert house.problems() == [told]


def test_a_locked_user_can_be_compared_again(house: House) -> None:
    token = house.enrolled()
    for _ in range(3):
        house.store.record_guess(ACME, token, Guess.of(Modality.FACE, matched=False), at=NOW)
    UnlockUser(house.store, house.store)(token)
    assert house.store.failed[ACME, token].in_row == 0


def test_an_unknown_user_cannot_be_unlocked(house: House) -> None:
    with pytest.raises(UserTokenNotFound, match="no user has the token"):
        UnlockUser(house.store, house.store)(UserToken("nobody"))


@dataclass
class FakeTenants:
    known: set[TenantId]
    erased: list[ConsentEntry] = field(default_factory=list)

    def erase(self, *, entry: ConsentEntry) -> Receipt:
        if entry.tenant_id not in self.known:
            raise NotFound("there is no such tenant")
        self.erased.append(entry)
        event, tenant = DestructionEvent.TENANT_DELETED, entry.tenant_id
        claims = Destruction(event, tenant, "", {}, entry.at, ChainPoint(1, b"")).claims()
        return Receipt("1", tenant, event, "", entry.at, FakeSigner().sign(claims))


def test_the_end_of_a_tenant_is_written_down_as_the_operators_doing() -> None:
    tenants, clock = FakeTenants({ACME}), FakeClock()
    receipt = EraseTenant(tenants, clock)(ACME)
    (written,) = tenants.erased
    assert (written.operation, written.declaration) == ("tenant_delete", "not_needed")
    assert (written.key_id, written.at) == (None, clock.time)
    assert receipt.tenant_id == ACME
    with pytest.raises(NotFound):
        EraseTenant(tenants, clock)(TenantId("nobody"))


def test_calls_are_counted_at_the_time_they_come() -> None:
    clock, buckets = FakeClock(), FakeCallBuckets(RateLimit(per_second=1, burst=1))
    limits = CallLimits(buckets, clock)
    limits.take(KeyId("key-1"))
    with pytest.raises(RateLimited):
        limits.take(KeyId("key-1"))
    clock.pass_time(seconds=1)
    limits.take(KeyId("key-1"))
    assert isinstance(buckets.buckets[KeyId("key-1")], Bucket)
