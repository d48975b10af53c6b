"""A search of the command line, over the real search and a fake feed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perse.bootstrap.subject_commands import Identification
from perse.domain.access import Caller, KeyId
from perse.domain.consent import Declaration
from perse.domain.identification import SearchTerms
from perse.errors import EnduserConsentRequired, IndexLoading
from perse.pipelines.consent import RecordConsent
from perse.pipelines.identification import IdentifiedFace
from perse.search.live_search import READ_AT_ONCE
from tests.fakes.faces import FakeFaces, picture
from tests.fakes.searching import FakeSearching
from tests.fakes.storage import FakeClock, FakeLedger
from tests.fakes.subject_feed import ACME

CALLER = Caller(ACME, KeyId("key"))
ANN = 1


@pytest.fixture
def searching() -> Iterator[FakeSearching]:
    opened = FakeSearching(FakeFaces())
    with closing(opened):
        yield opened


def ask(
    searching: FakeSearching, ledger: FakeLedger, shown: Path, *, required: bool = False
) -> IdentifiedFace:
    faces = searching.faces
    consent = RecordConsent(ledger, FakeClock(), required=required)
    search = Identification(faces.decode, faces.thresholds, searching.identify, consent)
    return search(CALLER, shown, SearchTerms(), Declaration.ABSENT)


def test_a_search_is_written_down_once_however_long_it_waits_for_the_index(
    searching: FakeSearching, tmp_path: Path
) -> None:
    shown, ledger = tmp_path / "ann.jpg", FakeLedger()
    shown.write_bytes(picture(ANN))
    template = searching.template(ANN)
    for _ in range(READ_AT_ONCE + 1):
        searching.feed.put(template)
    refusals, found = 0, None
    while found is None:
        try:
            found = ask(searching, ledger, shown)
        except IndexLoading:
            refusals += 1
            assert ledger.entries == []
            time.sleep(0.01)
    assert refusals > 0
    assert found.identification.subjects == READ_AT_ONCE + 1
    assert [it.operation for it in ledger.entries] == ["identify"]


def test_a_picture_that_cannot_be_read_and_a_refusal_are_written_down_once(
    searching: FakeSearching, tmp_path: Path
) -> None:
    ledger = FakeLedger()
    with pytest.raises(FileNotFoundError):
        ask(searching, ledger, tmp_path / "absent.jpg")
    assert len(ledger.entries) == 1
    with pytest.raises(EnduserConsentRequired):
        ask(searching, ledger, tmp_path / "absent.jpg", required=True)
    assert len(ledger.entries) == 2
