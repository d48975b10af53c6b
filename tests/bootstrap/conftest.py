from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from perse.bootstrap.weights import PackOnDisk
from perse.settings import Settings, load_settings
from perse.weights.catalogue import Catalog
from perse.weights.packs import PackChoice
from perse.weights.store import WeightStore

Obtain = Callable[[str], PackOnDisk]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path)


@pytest.fixture(scope="session")
def obtain(catalog: Catalog, weights: WeightStore) -> Obtain:
    @cache
    def on_disk(name: str) -> PackOnDisk:
        pack = catalog.pack(name)
        cards = {role: catalog.card(card) for role, card in pack.roles.items()}
        paths = {role: weights.obtain(card) for role, card in cards.items()}
        digests = {role: weights.digest(card) for role, card in cards.items()}
        return PackOnDisk(pack, PackChoice(name, "it is tested"), cards, paths, digests)

    return on_disk
