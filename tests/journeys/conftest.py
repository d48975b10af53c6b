from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.conftest import REPOSITORY
from tests.storage.postgresql import Cluster, installed_programs, running_cluster


@pytest.fixture(scope="session")
def pack_folders(
    tmp_path_factory: pytest.TempPathFactory, catalog: Catalog, weights: WeightStore, shared: Path
) -> dict[str, Path]:
    """A data folder per pack, its weights linked from where the tests keep them."""
    packs = ["standard", *(["compact"] if shared.is_dir() else [])]
    folders = {pack: tmp_path_factory.mktemp(pack) for pack in packs}
    for pack, folder in folders.items():
        for card in catalog.cards_of(pack).values():
            weights.obtain(card)
        (folder / "weights").symlink_to(REPOSITORY / "build" / "weights")
    return folders


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Cluster | None]:
    programs = installed_programs()
    if request.param == "sqlite":
        yield None
    elif programs is None:
        pytest.skip("PostgreSQL is not installed; tests/storage insists on it in CI")
    else:
        with running_cluster(programs) as cluster:
            yield cluster
