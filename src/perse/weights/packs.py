"""Which pack a data folder uses: chosen once, recorded there, and kept until its users are moved.

Users are moved to another face embedder one by one: meanwhile the previous pack's embedder is kept
beside that of the pack in use, and the record names both.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from perse.errors import PackMismatch
from perse.files import change_file
from perse.weights.catalogue import Catalog

AUTO: Final = "auto"
NO_PACK: Final = "none"
_STANDARD: Final = "standard"
_RECORD: Final = "pack.json"
_TEMPLATE_MAKER: Final = "face_embedder"


@dataclass(frozen=True, slots=True)
class PackChoice:
    """``reason``: one sentence that says why this pack. ``previous``: the pack whose users are
    being moved to this one."""

    name: str
    reason: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class PackRecord:
    """What a data folder was set up with. ``models``: by role, name and SHA-256 as published."""

    pack: str
    models: Mapping[str, Mapping[str, str]]
    date: str
    previous: PackRecord | None = None

    @property
    def embedder(self) -> str | None:
        """The network that makes templates of faces."""
        return self.models.get(_TEMPLATE_MAKER, {}).get("name")


def choose_pack(
    catalog: Catalog, requested: str, recorded: PackRecord | None, *, previous: str | None = None
) -> PackChoice:
    """The pack to use: the recorded one, else the one requested; ``auto`` is standard.

    ``previous``: the pack whose users are to be moved; None = the one recorded, ``none`` = no pack.
    A folder may go on with another pack whose face embedder, or the previous pack's, is the one
    that made its templates. Raises PackMismatch when neither did, CatalogInvalid for an unknown
    pack.
    """
    before = _previous(catalog, previous, recorded)
    choice = replace(_choice(catalog, requested, recorded, before), previous=before)
    kept = recorded.previous if recorded else None
    if kept and kept.pack == before and not _made_with(catalog, kept.pack, kept):
        raise PackMismatch(_refusal(catalog, kept))
    if before and _embedder(catalog, before) == _embedder(catalog, choice.name):
        raise PackMismatch(
            f"the previous pack {before} has the same face embedder as {choice.name}, so there is "
            "nobody to move: name the new pack with --pack, or set PERSE_PREVIOUS_PACK=none"
        )
    return choice


def record_pack(data_dir: Path, catalog: Catalog, choice: PackChoice) -> None:
    """Note the choice in ``data_dir``; a record of the same face embedders stays as it is.

    Raises PackMismatch when another process has recorded what does not go with it.
    """
    path = data_dir / _RECORD
    recorded = recorded_pack(data_dir)
    if recorded is None or _successor(catalog, choice, recorded) != recorded:
        change_file(path, lambda before: _content(_successor(catalog, choice, _read(path, before))))


def recorded_pack(data_dir: Path) -> PackRecord | None:
    """What ``data_dir`` was set up with; None when nothing yet.

    Raises PackMismatch when the record cannot be read, for then nobody knows.
    """
    path = data_dir / _RECORD
    try:
        return _read(path, path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _read(path: Path, content: bytes | None) -> PackRecord | None:
    try:
        return None if content is None else TypeAdapter(PackRecord).validate_json(content)
    except ValueError as error:
        raise _unreadable(path, "it is no record") from error


def _content(record: PackRecord) -> bytes:
    return (json.dumps(asdict(record), indent=2) + "\n").encode()


def _unreadable(path: Path, reason: str) -> PackMismatch:
    return PackMismatch(
        f"{path} says which pack this data folder belongs to and cannot be read "
        f"({reason}): make it readable, restore it, or use another data folder"
    )


def _successor(catalog: Catalog, choice: PackChoice, recorded: PackRecord | None) -> PackRecord:
    """What is recorded after ``recorded``. Raises PackMismatch when they do not go together."""
    if recorded is None:
        record = _record_of(catalog, choice.name)
    elif _made_with(catalog, choice.name, recorded):
        record = recorded
    elif _goes_on(catalog, choice.name, choice.previous, recorded):
        record = _record_of(catalog, choice.name)
    else:
        raise PackMismatch(_refusal(catalog, recorded))
    kept = record.previous
    if choice.previous is None or (kept and kept.pack == choice.previous):
        return replace(record, previous=kept if choice.previous else None)
    return replace(record, previous=_record_of(catalog, choice.previous))


def _record_of(catalog: Catalog, pack: str) -> PackRecord:
    models: dict[str, dict[str, str]] = {
        role: {"name": card.name, "sha256": card.sha256}
        for role, card in catalog.cards_of(pack).items()
    }
    return PackRecord(pack, models, datetime.datetime.now(datetime.UTC).date().isoformat())


def _previous(catalog: Catalog, previous: str | None, recorded: PackRecord | None) -> str | None:
    if previous == NO_PACK:
        return None
    if previous is None:
        kept = recorded.previous if recorded else None
        previous = kept.pack if kept else None
    return None if previous is None else catalog.pack(previous).name


def _choice(
    catalog: Catalog, requested: str, recorded: PackRecord | None, previous: str | None
) -> PackChoice:
    if recorded is not None:
        return _keep(catalog, requested, recorded, previous)
    if requested != AUTO:
        return PackChoice(catalog.pack(requested).name, f"{requested} was asked for")
    return PackChoice(_STANDARD, "nothing else was asked for")


def _keep(
    catalog: Catalog, requested: str, recorded: PackRecord, previous: str | None
) -> PackChoice:
    name = recorded.pack if requested == AUTO else catalog.pack(requested).name
    if name not in catalog.packs or not _goes_on(catalog, name, previous, recorded):
        raise PackMismatch(_refusal(catalog, recorded))
    if not _made_with(catalog, name, recorded):
        return PackChoice(name, f"users of {previous} are moved to it as they are recognised")
    if name != recorded.pack:
        return PackChoice(name, f"its face embedder made the templates here since {recorded.date}")
    return PackChoice(name, f"this data folder was set up with it on {recorded.date}")


def _goes_on(catalog: Catalog, pack: str, previous: str | None, recorded: PackRecord) -> bool:
    """Whether the folder's templates are made by the pack, or can be moved to it."""
    moving = previous is not None and _made_with(catalog, previous, recorded)
    return moving or _made_with(catalog, pack, recorded)


def _made_with(catalog: Catalog, pack: str, recorded: PackRecord) -> bool:
    """Whether the pack's face embedder is the one that made the folder's templates."""
    before = recorded.models.get(_TEMPLATE_MAKER)
    now = catalog.cards_of(pack).get(_TEMPLATE_MAKER)
    return before is None or (now is not None and now.sha256 == before["sha256"])


def _embedder(catalog: Catalog, pack: str) -> str | None:
    card = catalog.cards_of(pack).get(_TEMPLATE_MAKER)
    return None if card is None else card.name


def _refusal(catalog: Catalog, recorded: PackRecord) -> str:
    before = recorded.models.get(_TEMPLATE_MAKER, {}).get("name", "an unknown network")
    gone = "" if recorded.pack in catalog.packs else ", which is no more"
    fitting = [pack for pack in catalog.packs if _made_with(catalog, pack, recorded)]
    way = (
        f"start with --pack {fitting[0]}, move its users with PERSE_PREVIOUS_PACK={fitting[0]}"
        if fitting
        else "go back to the earlier version"
    )
    return (
        f"this data folder was set up on {recorded.date} with the pack {recorded.pack}{gone}: its "
        f"templates were made by {before} and do not compare with those of another network; {way}, "
        "or use a new --data-dir and enrol again"
    )
