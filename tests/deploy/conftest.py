from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storage.postgresql import Cluster, shared_cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of PostgreSQL on one worker: they share one server."""
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("deploy"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    yield from shared_cluster()
