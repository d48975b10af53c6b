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

AUTO: Final = "auto"
_STANDARD: Final = "standard"
_RECORD: Final = "pack.json"
_TEMPLATE_MAKER: Final = "face_embedder"


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


def choose_pack(catalog: Catalog, requested: str, recorded: PackRecord | None) -> PackChoice:
    """The pack to use: the recorded one, else the one requested; ``auto`` is standard.

    A folder may go on with another pack whose face embedder is the one that made its templates.
    Raises PackMismatch when it is another, CatalogInvalid for an unknown pack.
    """
    if recorded is not None:
        return _keep(catalog, requested, recorded)
    if requested != AUTO:
        return PackChoice(catalog.pack(requested).name, f"{requested} was asked for")
    return PackChoice(_STANDARD, "nothing else was asked for")


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
    name = recorded.pack if requested == AUTO else catalog.pack(requested).name
    if name not in catalog.packs or not _made_with(catalog, name, recorded):
        raise PackMismatch(_refusal(catalog, recorded))
    if name != recorded.pack:
        return PackChoice(name, f"its face embedder made the templates here since {recorded.date}")
    return PackChoice(name, f"this data folder was set up with it on {recorded.date}")


def _made_with(catalog: Catalog, pack: str, recorded: PackRecord) -> bool:
    """Whether the pack's face embedder is the one that made the folder's templates."""
    before = recorded.models.get(_TEMPLATE_MAKER)
    now = catalog.cards_of(pack).get(_TEMPLATE_MAKER)
    return before is None or (now is not None and now.sha256 == before["sha256"])


def _refusal(catalog: Catalog, recorded: PackRecord) -> str:
    before = recorded.models.get(_TEMPLATE_MAKER, {}).get("name", "an unknown network")
    gone = "" if recorded.pack in catalog.packs else ", which is no more"
    fitting = [pack for pack in catalog.packs if _made_with(catalog, pack, recorded)]
    way = f"start with --pack {fitting[0]}" if fitting else "go back to the earlier version"
    return (
        f"this data folder was set up on {recorded.date} with the pack {recorded.pack}{gone}: its "
        f"templates were made by {before} and do not compare with those of another network; {way}, "
        "or use a new --data-dir and enrol again"
    )
