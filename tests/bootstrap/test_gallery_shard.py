"""An actor of the cluster, over a real database, without the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perse.bootstrap.gallery_shard import PURPOSE, GalleryShard
from perse.domain.identification import SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality
from perse.errors import ClusterUnavailable, MasterKeyUnusable
from perse.search.live_search import LiveSearch
from perse.search.replicas import Part, Spread
from perse.search.sealed_words import SealedWords
from perse.search.shard import HELD
from perse.search.sharded_search import ShardedSearch
from perse.settings import Settings
from perse.storage.storage import MasterKeyChoice, Storage, open_storage
from tests.fakes.sharding import FakeReplica
from tests.fakes.storage import FakeSigner
from tests.storage.samples import ACME, SCALE, SEARCHED, entry, reference, template, with_tenants

MODELS = {"face": "net"}
FACES = {Modality.FACE: SEARCHED}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, search_memory_bytes=10_000_000)


@pytest.fixture
def storage(settings: Settings) -> Iterator[Storage]:
    choice = MasterKeyChoice(settings.effective_master_key_file)
    url = settings.effective_database_url
    with open_storage(url, master_key=choice, signer=FakeSigner()) as opened:
        with_tenants(opened.keys)
        yield opened


class Hours:
    """A clock, and whether the actor has ended."""

    def __init__(self) -> None:
        self.now_s, self.ended = 0.0, False

    def __call__(self) -> float:
        return self.now_s

    def end(self) -> None:
        self.ended = True


def actor(
    settings: Settings, position: int, parts: int, hours: Hours | None = None
) -> GalleryShard:
    hours = hours or Hours()
    return GalleryShard(position, parts, MODELS, lambda: settings, hours.end, lambda: None, hours)


def test_actors_over_the_same_database_are_one_gallery(
    settings: Settings, storage: Storage
) -> None:
    made = [reference(seed, values=64) for seed in range(30)]
    tokens = [storage.references.add(it, entry=entry()).user_token for it in made]
    parts = [Part([FakeReplica(actor(settings, it, 3))]) for it in range(3)]
    sealed = SealedWords(storage.derived_secret(PURPOSE))
    over = ShardedSearch(storage.subject_feed, FACES, Spread(parts, sealed))
    single = LiveSearch(storage.subject_feed, FACES, 10_000_000)
    for seed in (3, 99):
        probe = FaceLikeness(template(seed, values=64), SCALE)
        for fpir in (0.01, 0.9):
            asked = ACME, Modality.FACE, probe, SearchTerms(5, fpir)
            assert over.identify(*asked) == single.identify(*asked)
    storage.references.delete(tokens[3], entry=entry(token=tokens[3]))
    probe = FaceLikeness(template(3, values=64), SCALE)
    assert over.identify(ACME, Modality.FACE, probe, SearchTerms()).subjects == 29


def test_an_actor_without_the_master_key_makes_none_and_says_so(
    settings: Settings, storage: Storage, tmp_path: Path
) -> None:
    own = settings.model_copy(update={"master_key_file": tmp_path / "elsewhere.key"})
    with pytest.raises(MasterKeyUnusable):
        actor(own, 0, 1).answer(b"a question")
    assert not (tmp_path / "elsewhere.key").exists()


def test_a_question_of_others_is_not_answered(settings: Settings, storage: Storage) -> None:
    with pytest.raises(ClusterUnavailable):
        actor(settings, 0, 1).answer(SealedWords(bytes(32)).seal(HELD))


def test_an_actor_that_nobody_asks_any_more_ends(settings: Settings, storage: Storage) -> None:
    hours = Hours()
    asked = actor(settings, 0, 1, hours)
    asked.answer(SealedWords(storage.derived_secret(PURPOSE)).seal(HELD))
    hours.now_s = 599.0
    asked.keep_up()
    assert not hours.ended
    hours.now_s = 601.0
    asked.keep_up()
    assert hours.ended


def test_an_actor_that_ends_has_zeroed_its_templates_before(
    settings: Settings, storage: Storage
) -> None:
    storage.references.add(reference(3, values=64), entry=entry())
    hours = Hours()
    ending = actor(settings, 0, 1, hours)
    sealed = SealedWords(storage.derived_secret(PURPOSE))
    over = ShardedSearch(storage.subject_feed, FACES, Spread([Part([FakeReplica(ending)])], sealed))
    probe = FaceLikeness(template(3, values=64), SCALE)
    assert over.identify(ACME, Modality.FACE, probe, SearchTerms()).candidates
    opened = ending._opened
    assert opened is not None
    (held,) = opened.search._held.values()
    rows = held.index._rows
    assert rows is not None
    memory = [it.codes for it in rows.index.chunks]
    assert any(it.any() for it in memory)
    hours.now_s = 601.0
    ending.keep_up()
    assert hours.ended
    assert not any(it.any() for it in memory)
