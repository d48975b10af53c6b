"""What a start says of a pack in which a network is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import PackOnDisk, chosen_pack
from perse.errors import CatalogInvalid
from perse.settings import load_settings
from perse.weights.cards import Role
from perse.weights.catalogue import Catalog


@pytest.mark.parametrize("missing", ["face_detector", "face_embedder"])
def test_a_pack_without_a_network_that_is_needed_says_which(
    missing: Role, catalog: Catalog, tmp_path: Path
) -> None:
    choice = chosen_pack(load_settings(data_dir=tmp_path, pack="compact"), catalog)
    whole = catalog.pack("compact")
    pack = replace(whole, roles={role: it for role, it in whole.roles.items() if role != missing})
    cards = {role: catalog.card(name) for role, name in pack.roles.items()}
    on_disk = PackOnDisk(pack, choice, cards, paths={}, digests={})
    with pytest.raises(CatalogInvalid, match=rf"has no {missing}: name one in \[packs.compact"):
        on_disk.card(missing)
    if missing == "face_detector":
        with pytest.raises(CatalogInvalid, match="has no face_detector"):
            open_face_networks(on_disk, threads=1)
