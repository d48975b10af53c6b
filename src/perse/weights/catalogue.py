"""The catalogue: every network and pack that perse knows, read from TOML.

The shipped file is ``catalogue.toml`` beside this module. A file of the user's own may add networks
and packs and measure shipped ones anew (operating points), but takes no shipped name.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from perse.domain.samples import ModelName
from perse.errors import CatalogInvalid, PerseError
from perse.weights.cards import (
    AttackPoint,
    ConfirmationPoint,
    EmbedderInput,
    ModelCard,
    OperatingPoints,
    Pack,
    PathSource,
    Role,
)

_SHIPPED: Final = Path(__file__).with_name("catalogue.toml")
_SECTIONS: Final = frozenset(
    {"models", "packs", "operating_points", "attack_points", "confirmation_points"}
)
_SURPLUS: Final = "unexpected_keyword_argument"
OWN_EMBEDDER: Final = "onnx_embedder"
# Shipped once, and what a catalogue of somebody's own may name now.
_GONE: Final = {
    "centerface": "yunet_2023mar",
    "dlib_resnet": "sface",
    "minifas": "perse_pad",
    "minifas_perse_pad": "perse_pad",
    "ge2e": "campplus",
    "wespeaker_resnet34_lm": "campplus",
}

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Networks and packs by name; every role of every pack is filled by a network for that role."""

    models: Mapping[ModelName, ModelCard]
    packs: Mapping[ModelName, Pack]

    def __post_init__(self) -> None:
        for pack in self.packs.values():
            for role, name in pack.roles.items():
                _check_role(pack, role, self.models.get(name))

    def card(self, name: str) -> ModelCard:
        """The network called ``name``. Raises CatalogInvalid when there is none."""
        return _entry(self.models, name, "network")

    def pack(self, name: str) -> Pack:
        """The pack called ``name``. Raises CatalogInvalid when there is none."""
        return _entry(self.packs, name, "pack")

    def cards_of(self, pack: str) -> Mapping[Role, ModelCard]:
        """The networks of a pack by role."""
        return {role: self.models[name] for role, name in self.pack(pack).roles.items()}


def load_catalog(extra: Path | None = None) -> Catalog:
    """The shipped catalogue, with the user's file ``extra`` where given.

    Raises CatalogInvalid naming the file and the entry that is no good.
    """
    shipped = _read(_SHIPPED)
    if extra is None:
        return shipped.catalog()
    return shipped.extended_by(_read(extra), named=str(extra)).catalog()


@dataclass(frozen=True, slots=True)
class _Tables:
    """What one file says, checked entry by entry but not yet against one another."""

    models: Mapping[ModelName, ModelCard]
    packs: Mapping[ModelName, Pack]
    operating_points: Mapping[ModelName, OperatingPoints]
    attack_points: Mapping[ModelName, AttackPoint]
    confirmation_points: Mapping[ModelName, ConfirmationPoint]

    def extended_by(self, other: _Tables, *, named: str) -> _Tables:
        taken = self.models.keys() & other.models.keys() | self.packs.keys() & other.packs.keys()
        if taken:
            raise CatalogInvalid(f"{named}: {min(taken)} is a shipped name: choose another")
        return _Tables(
            {**self.models, **other.models},
            {**self.packs, **other.packs},
            {**self.operating_points, **other.operating_points},
            {**self.attack_points, **other.attack_points},
            {**self.confirmation_points, **other.confirmation_points},
        )

    def catalog(self) -> Catalog:
        measured = (self.operating_points, self.attack_points, self.confirmation_points)
        unknown = {name for section in measured for name in section} - self.models.keys()
        if unknown:
            raise CatalogInvalid(f"the catalogue measures {min(unknown)}, which it does not list")
        _check_files(self.models.values())
        models = {name: self._measured(card) for name, card in self.models.items()}
        return Catalog(MappingProxyType(models), MappingProxyType(dict(self.packs)))

    def _measured(self, card: ModelCard) -> ModelCard:
        return replace(
            card,
            operating_points=self.operating_points.get(card.name),
            attack_point=self.attack_points.get(card.name),
            confirmation_point=self.confirmation_points.get(card.name),
        )


def _read(path: Path) -> _Tables:
    document = _document(path)
    unknown = document.keys() - _SECTIONS
    if unknown:
        raise CatalogInvalid(f"{path}: {min(unknown)} is no section of a catalogue")

    def entries(section: str, kind: type[Entry], *, named: bool = False) -> dict[ModelName, Entry]:
        read = _reader(kind, named=named)
        tables = _table(document.get(section, {}), f"{path}: {section}")
        return {
            ModelName(name): read(name, _listing_sources(table), f"{path}: {section}.{name}")
            for name, table in tables.items()
        }

    models = entries("models", ModelCard, named=True)
    read_parameters = _reader(EmbedderInput, named=False)
    for card in models.values():
        if card.adapter == OWN_EMBEDDER:
            place = f"{path}: models.{card.name}.parameters"
            read_parameters(card.name, dict(card.parameters), place)
    return _Tables(
        {name: _anchored(card, path.parent) for name, card in models.items()},
        entries("packs", Pack, named=True),
        entries("operating_points", OperatingPoints),
        entries("attack_points", AttackPoint),
        entries("confirmation_points", ConfirmationPoint),
    )


def _listing_sources(table: object) -> object:
    """A network's one ``source`` as the list of ``sources`` that it stands for."""
    if not isinstance(table, dict) or "source" not in table or "sources" in table:
        return table
    return {key: value for key, value in table.items() if key != "source"} | {
        "sources": [table["source"]]
    }


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogInvalid(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CatalogInvalid(f"{path} is no TOML file: {error}") from error


def _reader(kind: type[Entry], *, named: bool) -> Callable[[str, object, str], Entry]:
    """Strict reading of one entry; by way of JSON, whose lists and dates stand for tuples."""
    adapter = TypeAdapter(kind)

    def read(name: str, value: object, where: str) -> Entry:
        table = _table(value, where)
        if named and "name" in table:
            raise CatalogInvalid(f"{where}.name: the table's own name is the name")
        content = {"name": name, **table} if named else table
        try:
            return adapter.validate_json(json.dumps(content, default=_date_text))
        except ValidationError as error:
            raise CatalogInvalid(f"{where}{_first_problem(error)}") from None
        except (PerseError, TypeError) as error:
            raise CatalogInvalid(f"{where}: {error}") from None

    return read


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CatalogInvalid(f"{where}: a table is expected here")
    return value


def _date_text(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no value of a catalogue")


def _first_problem(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    surplus = [problem for problem in problems if problem["type"] == _SURPLUS]
    problem = (surplus or problems)[0]
    place = "".join(f".{part}" for part in problem["loc"])
    message = "no such key" if problem["type"] == _SURPLUS else problem["msg"]
    return f"{place}: {message.removeprefix('Value error, ')}"


def _anchored(card: ModelCard, folder: Path) -> ModelCard:
    sources = (
        replace(source, path=(folder / source.path).absolute())
        if isinstance(source, PathSource)
        else source
        for source in card.sources
    )
    return replace(card, sources=tuple(sources))


def _entry(entries: Mapping[ModelName, Entry], name: str, what: str) -> Entry:
    found = entries.get(ModelName(name))
    if found is None:
        known = ", ".join(sorted(entries))
        raise CatalogInvalid(f"there is no {what} called {name!r}; there are {known}")
    return found


def _check_role(pack: Pack, role: Role, card: ModelCard | None) -> None:
    if card is None:
        name = pack.roles[role]
        instead = f", which is no more: name {_GONE[name]!r}" if name in _GONE else ""
        raise CatalogInvalid(f"pack {pack.name}: there is no network {name!r}{instead}")
    if card.role != role:
        raise CatalogInvalid(f"pack {pack.name}: {card.name} is a {card.role}, not a {role}")


def _check_files(cards: Iterable[ModelCard]) -> None:
    """Two networks may share a file only when it is the same one."""
    seen: dict[str, str] = {}
    for card in cards:
        if seen.setdefault(card.file, card.sha256) != card.sha256:
            raise CatalogInvalid(f"models.{card.name}: another network has the file {card.file}")
