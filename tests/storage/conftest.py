from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perse.domain.session_lockout import LockoutPolicy
from perse.domain.throttling import GuessPolicy
from perse.storage.storage import MasterKeyChoice, Storage, open_storage
from tests.fakes.storage import FakeSigner
from tests.storage.postgresql import Cluster, shared_cluster
from tests.storage.stage import Stage, running_stage

OpenStorage = Callable[[], Storage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of PostgreSQL on one worker: they share one server."""
    for item in items:
        if {"cluster", "url", "servers"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("postgresql"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    yield from shared_cluster()


@pytest.fixture(scope="session")
def one_stage() -> Iterator[Stage]:
    with running_stage() as started:
        yield started


@pytest.fixture
def stage(one_stage: Stage) -> Iterator[Stage]:
    yield one_stage
    one_stage.clear()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'perse.db'}"
    started: Cluster = request.getfixturevalue("cluster")
    return started.new_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'perse.db'}"


def open_at(
    url: str,
    folder: Path,
    policy: GuessPolicy | None = None,
    *,
    lockout: LockoutPolicy | None = None,
) -> Storage:
    return open_storage(
        url,
        master_key=MasterKeyChoice(folder / "master.key"),
        signer=FakeSigner(),
        guess_policy=policy,
        lockout_policy=lockout,
    )


@pytest.fixture
def storage(url: str, tmp_path: Path) -> Iterator[Storage]:
    opened = open_at(url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(sqlite_url: str, tmp_path: Path) -> Iterator[Storage]:
    opened = open_at(sqlite_url, tmp_path)
    yield opened
    opened.close()
