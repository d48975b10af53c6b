"""Which pack a data folder uses: chosen once, recorded there, and kept from then on."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from perse.errors import PackMismatch
from perse.files import change_file
from perse.models.catalog import Catalog
from perse.models.sources import WeightStore

AUTO: Final = "auto"
_PREFERRED: Final = "standard"
_FALLBACK: Final = "offline"
_RECORD: Final = "pack.json"
_TEMPLATE_MAKERS: Final = ("face_embedder", "speaker_embedder")


@dataclass(frozen=True, slots=True)
class PackChoice:
    """``reason``: one sentence that says why this pack."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PackRecord:
    """What a data folder was set up with. ``models``: by role, name and SHA-256 as published."""

    pack: str
    models: Mapping[str, Mapping[str, str]]
    date: str


def choose_pack(
    catalog: Catalog, store: WeightStore, requested: str, recorded: PackRecord | None
) -> PackChoice:
    """The pack to use: the recorded one, else the one requested; ``auto`` prefers standard.

    Raises PackMismatch when the folder belongs to another pack than the one requested, or when
    the network that made its templates has changed; CatalogInvalid for an unknown pack.
    """
    if recorded is not None:
        return _keep(catalog, requested, recorded)
    if requested != AUTO:
        return PackChoice(catalog.pack(requested).name, f"{requested} was asked for")
    obstacle = _obstacle(catalog, store, _PREFERRED)
    if obstacle is None:
        return PackChoice(_PREFERRED, "the networks of standard are here or can be fetched")
    return PackChoice(_FALLBACK, f"the networks of standard cannot be had now ({obstacle})")


def record_pack(data_dir: Path, catalog: Catalog, choice: PackChoice) -> None:
    """Note the choice in ``data_dir``; a folder that has a record keeps it."""
    models: dict[str, dict[str, str]] = {
        role: {"name": card.name, "sha256": card.sha256}
        for role, card in catalog.cards_of(choice.name).items()
    }
    record = PackRecord(choice.name, models, datetime.datetime.now(datetime.UTC).date().isoformat())
    content = (json.dumps(asdict(record), indent=2) + "\n").encode()
    path = data_dir / _RECORD
    if not path.exists():
        change_file(path, lambda before: content if before is None else before)


def recorded_pack(data_dir: Path) -> PackRecord | None:
    """What ``data_dir`` was set up with; None when nothing yet.

    Raises PackMismatch when the record cannot be read, for then nobody knows.
    """
    path = data_dir / _RECORD
    try:
        return TypeAdapter(PackRecord).validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PackMismatch(
            f"{path} says which pack this data folder belongs to and cannot be read "
            f"({_reason(error)}): make it readable, restore it, or use another data folder"
        ) from error


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is no record"


def _keep(catalog: Catalog, requested: str, recorded: PackRecord) -> PackChoice:
    if requested not in (AUTO, recorded.pack):
        raise PackMismatch(
            f"this data folder was set up with the pack {recorded.pack} on {recorded.date} and "
            f"cannot go on with {requested}, because templates of different networks do not "
            f"compare: start with --pack {recorded.pack}, or use a new --data-dir and enrol again"
        )
    cards = catalog.cards_of(recorded.pack)
    for role in _TEMPLATE_MAKERS:
        before = recorded.models.get(role)
        now = next((card for its, card in cards.items() if its == role), None)
        if before and (now is None or now.sha256 != before["sha256"]):
            raise PackMismatch(
                f"the pack {recorded.pack} now has another {role} than {before['name']}, which "
                "made the templates of this data folder: go back to the earlier catalogue, or use "
                "a new --data-dir and enrol again"
            )
    return PackChoice(recorded.pack, f"this data folder was set up with it on {recorded.date}")


def _obstacle(catalog: Catalog, store: WeightStore, pack: str) -> str | None:
    """Why a missing network of the pack could not be had now; None when all could."""
    for card in catalog.cards_of(pack).values():
        obstacle = store.obstacle(card)
        if obstacle is not None:
            return f"{card.name}: {obstacle}"
    return None
