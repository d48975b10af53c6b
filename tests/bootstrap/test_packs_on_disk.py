"""What a start says of a pack in which a network is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import PackOnDisk, chosen_pack, open_store
from perse.errors import CatalogInvalid
from perse.networks.exact_integers import integers_are_exact
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


def test_networks_run_in_integers_where_these_are_exact_and_wanted(
    catalog: Catalog, tmp_path: Path
) -> None:
    chosen = {
        wish: open_store(load_settings(data_dir=tmp_path, int8=wish)).runs_in_int8(
            catalog.card("sface")
        )
        for wish in ("auto", "off")
    }
    assert chosen == {"auto": integers_are_exact(), "off": False}
