from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.conftest import NOTHING_MAY_BE_SKIPPED, REPOSITORY
from tests.storage.postgresql import Cluster, installed_programs, running_cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of PostgreSQL on one worker: they share one server."""
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("deploy"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    programs = installed_programs()
    if programs is None:
        message = "PostgreSQL is not installed (on Debian: apt install postgresql)"
        if NOTHING_MAY_BE_SKIPPED:
            pytest.fail(message)
        pytest.skip(message)
    with running_cluster(programs) as started:
        yield started


@pytest.fixture(scope="session")
def network_files(catalog: Catalog, weights: WeightStore) -> Path:
    """The folder with the networks of the standard pack."""
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    return REPOSITORY / "build" / "weights"
