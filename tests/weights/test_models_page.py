"""docs/models.md says of every network what the catalogue says, or these tests fail."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from perse.weights.cards import ModelCard, PackageSource, UrlSource
from perse.weights.catalogue import Catalog, load_catalog

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
CARDS = list(load_catalog().models.values())


def name_of(card: ModelCard) -> str:
    return card.name


def rows_of(card: ModelCard) -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith(f"| `{card.name}` |")]


@pytest.mark.parametrize("card", CARDS, ids=name_of)
def test_its_origin_and_licences(card: ModelCard, catalog: Catalog) -> None:
    packs = ", ".join(p.name for p in catalog.packs.values() if card.name in p.roles.values())
    row = rows_of(card)[0]
    assert row.startswith(f"| `{card.name}` | {card.role} | {packs} | ")
    assert row.endswith(f" | {card.licence.code} | {card.licence.weights} |")
    for source in card.sources:
        if isinstance(source, UrlSource):
            assert f"({source.url})" in row
        if isinstance(source, PackageSource):
            assert f"`{source.package}=={source.version}`" in row
            assert Path(source.member).name in row


@pytest.mark.parametrize("card", CARDS, ids=name_of)
def test_its_training_data_commercial_use_and_claims(card: ModelCard) -> None:
    claims = "; ".join(f"{claim.text} ({claim.origin})" for claim in card.claims) or "none"
    facts = (card.licence.training_data, card.licence.commercial_use, claims)
    assert f"| `{card.name}` | {' | '.join(facts)} |" in PAGE


@pytest.mark.parametrize("card", [card for card in CARDS if card.conversion], ids=name_of)
def test_its_conversion(card: ModelCard) -> None:
    assert len(rows_of(card)) == 3


def test_each_pack(catalog: Catalog) -> None:
    for pack in catalog.packs.values():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{pack.name}` |"))
        assert row.endswith(f" | {pack.default_fmr:.0e} |".replace("e-0", "e-"))
        assert (" yes " in row) is ("face_attack_detector" in pack.roles)


def test_the_example_is_a_catalogue(tmp_path: Path) -> None:
    example = PAGE.partition("```toml\n")[2].partition("```")[0]
    sha256, size = 'sha256 = "..."', "size_bytes = 0"
    assert sha256 in example
    assert size in example
    tomllib.loads(example)
    path = tmp_path / "own.toml"
    path.write_text(
        example.replace(sha256, f'sha256 = "{"0" * 64}"').replace(size, "size_bytes = 1")
    )
    catalog = load_catalog(path)
    assert catalog.cards_of("my_pack")["face_embedder"].operating_points is not None
