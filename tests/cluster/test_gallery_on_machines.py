"""A gallery on the nodes of a real Ray cluster, with a token and TLS; nodes and actors are killed.

The tests share the machines, and each leaves them whole.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from perse.bootstrap.gallery_cluster import ClusterSearch, open_cluster_search
from perse.domain.identification import Identification, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, UserToken
from perse.errors import ClusterUnavailable, PerseError, TryLater
from perse.search.live_search import LiveSearch
from perse.search.shard import HELD, Held
from perse.settings import Settings
from perse.storage.storage import MasterKeyChoice, Storage, open_storage
from tests.cluster.machines import Machines, environment
from tests.fakes.storage import FakeSigner
from tests.storage.samples import ACME, SCALE, SEARCHED, entry, reference, template, with_tenants

pytestmark = pytest.mark.xdist_group("ray")
MEASURED = {Modality.FACE: SEARCHED}
PEOPLE = 40
LOOSE = SearchTerms(5, fpir=0.9)  # so that strangers are candidates, too
PATIENCE_S = 240.0


@dataclass
class House:
    """Three nodes and what is enrolled. ``over``: two parts with two copies, on the two nodes that
    run actors."""

    machines: Machines
    storage: Storage
    settings: Settings
    tokens: list[UserToken]
    single: LiveSearch
    over: ClusterSearch

    def whole(self) -> None:
        """Wait until all four actors answer."""
        until(lambda: not self.ask(0).partial and self.answering == 4, self.over)

    @property
    def answering(self) -> int:
        parts = self.over.search._spread.ask_everyone(HELD)
        return sum(isinstance(it, Held) for part in parts for it in part)

    def ask(self, seed: int, over: ClusterSearch | None = None) -> Identification:
        search = (over or self.over).search
        return search.identify(ACME, Modality.FACE, probe(seed), LOOSE)

    def same(self, over: ClusterSearch | None = None) -> bool:
        """Whether machines answer what one index in this memory does, for some of all kinds."""
        return all(
            self.ask(seed, over) == self.single.identify(ACME, Modality.FACE, probe(seed), LOOSE)
            for seed in (0, 7, PEOPLE + 3)
        )

    def spread(self, parts: int, copies: int) -> ClusterSearch:
        own = self.settings.model_copy(update={"cluster_shards": parts, "cluster_copies": copies})
        over = open_cluster_search(self.machines.address, own, self.storage, MEASURED)
        over.actors._cluster = self.over.actors._cluster  # a process has one
        return over


def probe(seed: int) -> FaceLikeness:
    return FaceLikeness(template(seed, values=64), SCALE)


def until(reached: Callable[[], bool], over: ClusterSearch) -> None:
    """Turn by turn, as a server's chore does it."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        with suppress(ClusterUnavailable):
            over.keep_up()
        with suppress(TryLater):
            if reached():
                return
        time.sleep(0.1)
    raise AssertionError("not reached")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, closed: Path) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    # What the nodes' actors are set with: they inherit it from the node.
    with environment({"PERSE_DATA_DIR": str(folder), "PERSE_SEARCH_MEMORY_BYTES": "10000000"}):
        settings = Settings(data_dir=folder, search_memory_bytes=10_000_000)
        key = MasterKeyChoice(settings.effective_master_key_file)
        url = settings.effective_database_url
        with open_storage(url, master_key=key, signer=FakeSigner()) as storage:
            with_tenants(storage.keys)
            made = [reference(seed, values=64) for seed in range(PEOPLE)]
            tokens = [storage.references.add(it, entry=entry()).user_token for it in made]
            machines = Machines.start(cpus=4)
            for _ in range(2):
                machines.add()
            single = LiveSearch(storage.subject_feed, MEASURED, 10_000_000)
            own = settings.model_copy(update={"cluster_shards": 2, "cluster_copies": 2})
            over = open_cluster_search(machines.address, own, storage, MEASURED)
            yield (opened := House(machines, storage, settings, tokens, single, over))
            opened.over.actors.close()
            machines.stop()
            single.close()


def test_machines_answer_as_one_index_does_to_the_last_bit(house: House) -> None:
    house.whole()
    assert house.same()
    found = house.ask(7)
    assert found.candidates[0].subject == house.tokens[7]
    assert found.subjects == PEOPLE


def test_who_is_enrolled_or_deleted_now_is_known_to_the_next_search(house: House) -> None:
    house.whole()
    added = house.storage.references.add(reference(99, values=64), entry=entry()).user_token
    assert house.ask(99).candidates[0].subject == added
    house.storage.references.delete(added, entry=entry(token=added))
    assert added not in {it.subject for it in house.ask(99).candidates}
    assert house.same()


def test_a_killed_actor_is_answered_for_by_its_copy_and_comes_back(house: House) -> None:
    import ray  # noqa: PLC0415

    house.whole()
    lost = actors(house.over)[0]
    ray.kill(lost, no_restart=False)
    assert all(house.same() for _ in range(3))
    house.whole()


def test_without_any_copy_the_answer_is_partial_until_one_has_been_filled_again(
    house: House,
) -> None:
    import ray  # noqa: PLC0415

    house.whole()
    for copy in range(2):
        ray.kill(actors(house.over, part=1)[copy])
    answer = house.ask(7)
    assert answer.partial
    assert 0 < answer.subjects < PEOPLE
    house.whole()
    assert house.same()


def test_a_killed_node_takes_nothing_with_it(house: House) -> None:
    house.whole()
    node = house.machines.cluster.list_all_nodes()[-1]
    house.machines.kill(node)
    for _ in range(3):
        assert house.same()
    house.whole()


def test_more_parts_on_more_machines_answer_the_same(house: House) -> None:
    """What a new setting brings: other actors, beside those of servers that have the old one."""
    house.machines.add()
    other = house.spread(3, copies=1)
    until(lambda: house.same(other), other)
    for actor in other.actors._actors.values():
        actor.end()
    house.whole()
    assert house.same()


def test_nothing_that_ray_writes_has_a_template_a_probe_a_key_or_a_token(house: House) -> None:
    house.whole()
    house.ask(7)
    secrets = {
        "the templates": [template(seed, values=64) for seed in range(PEOPLE)],
        "the probe": [template(7, values=64)],
    }
    needles = [it.vector.tobytes()[:16] for some in secrets.values() for it in some]
    needles += [it.encode() for it in house.tokens]
    needles.append(house.settings.effective_master_key_file.read_text().strip().encode())
    searched = 0
    plasma = Path("/dev/shm").glob("plasma*")  # noqa: S108 - of Ray
    for path in (*house.machines.folder.rglob("*"), *plasma):
        if path.is_file():
            content, searched = path.read_bytes(), searched + 1
            assert not any(needle in content for needle in needles), path
    assert searched > 10


@pytest.mark.parametrize("right", [True, False])
def test_a_wrong_token_is_refused(house: House, tmp_path: Path, right: bool) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0" * 64)
    script = (
        "import sys; from perse.cluster.connection import connect\n"
        "print(len(connect(sys.argv[1], namespace='perse').nodes))"
    )
    with environment({} if right else {"RAY_AUTH_TOKEN_PATH": str(wrong)}):
        ended = subprocess.run(
            [sys.executable, "-c", script, house.machines.address],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    if right:
        assert int(ended.stdout) >= 2, ended.stderr  # others may have come, or be gone just now
    else:
        assert ended.returncode == 1
        assert "does not let this machine in: is the token" in ended.stderr


def actors(over: ClusterSearch, part: int = 0) -> list[object]:
    """Ray's handles, of one part."""
    return [over.actors._actors[part, copy]._handle for copy in range(2)]


def test_a_cluster_that_is_not_there_is_told_and_searches_are_refused(house: House) -> None:
    elsewhere = open_cluster_search("127.0.0.1:9", house.settings, house.storage, MEASURED)
    with pytest.raises(ClusterUnavailable, match="nobody answers"):
        elsewhere.keep_up()
    with pytest.raises(PerseError) as refused:
        house.ask(7, elsewhere)
    assert isinstance(refused.value, ClusterUnavailable)
