"""From a network's card to the adapter that runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from perse.bootstrap.weights import PackOnDisk
from perse.errors import CatalogInvalid, InvalidParameter
from perse.networks.session import Session, open_session
from perse.weights.cards import ModelCard, Role

Part = TypeVar("Part")
Opener = Callable[[Session, ModelCard], Part]


def opened(
    on_disk: PackOnDisk, role: Role, openers: Mapping[str, Opener[Part]], *, threads: int
) -> Part:
    """The network of that role. Raises CatalogInvalid for an unknown adapter or parameters that it
    does not take, NetworkUnusable for a bad file."""
    card = on_disk.card(role)
    opener = _opener(openers, card)
    session = open_session(on_disk.paths[role], on_disk.digests[role], threads=threads)
    return opener(session, card)


def parameters(kind: type[Part], card: ModelCard) -> Part:
    """The card's parameters as ``kind``. Raises CatalogInvalid, naming those that are no good."""
    try:
        # By way of JSON, whose lists stand for tuples, as a catalogue is read.
        return TypeAdapter(kind).validate_json(json.dumps(dict(card.parameters)))
    except ValidationError as error:
        fields = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        raise CatalogInvalid(f"{card.name}: these parameters are no good: {fields}") from None
    except InvalidParameter as error:
        raise CatalogInvalid(f"{card.name}: {error.message}") from None


def _opener(openers: Mapping[str, Part], card: ModelCard) -> Part:
    try:
        return openers[card.adapter]
    except KeyError:
        raise CatalogInvalid(
            f"{card.name}: there is no {card.role} adapter {card.adapter!r}; "
            f"there are {', '.join(sorted(openers))}"
        ) from None
