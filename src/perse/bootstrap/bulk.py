"""Bulk work, wired as a server is: by the command that leads it, and by its workers elsewhere.

A worker is told addresses, names and settings that are no secrets. The database's address and the
master key it has from its own machine's environment, and what it opens must be what the command
has open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import perse
from perse.bootstrap.storage import open_storage
from perse.bootstrap.weights import PackOnDisk, obtain_networks
from perse.bulk.crews import Work
from perse.bulk.items import Part
from perse.domain.access import Caller
from perse.domain.consent import Declaration
from perse.domain.subjects import CollectionName
from perse.errors import SetupError
from perse.settings import Settings, load_settings
from perse.storage.storage import Storage

# What a worker must not decide by its own machine's environment.
_ALIKE = (
    "pack",
    "previous_pack",
    "previous_pack_until",
    "face_fmr",
    "voice_fmr",
    "enrolment_gate",
    "consent",
    "consent_purpose",
    "samples_per_subject",
    "max_image_pixels",
    "max_audio_bytes",
    "max_audio_s",
    "max_faces",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """In whose name a source is gone through, and what is asked for."""

    caller: Caller
    declaration: Declaration = Declaration.ABSENT
    collections: frozenset[CollectionName] = frozenset()


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is told. ``settings``: none of them secret. ``opened``: what the command has
    open, which the worker must have, too."""

    terms: Terms
    settings: Mapping[str, Any]
    opened: Mapping[str, str]


def assignment(terms: Terms, installation: Installation, *, here: bool) -> Assignment:
    """``here``: the worker is on this machine, and finds the same data folder."""
    told = {name: getattr(installation.settings, name) for name in _ALIKE}
    if here:
        told["data_dir"] = installation.settings.data_dir.absolute()
    return Assignment(terms, told, _opened(installation.on_disk, installation.storage))


@dataclass(frozen=True, slots=True)
class Installation:
    """What a worker, or the command, has opened before its networks."""

    settings: Settings
    on_disk: PackOnDisk
    storage: Storage


Opened = Callable[[Installation, Terms], AbstractContextManager[Work[Any]]]


def open_elsewhere(opened: Opened, given: Assignment) -> Work[Any]:
    """What a worker does for as long as its process lives. ``opened``: with what. Raises SetupError
    where it has not opened what the command has."""
    settings = load_settings(**given.settings)
    on_disk = obtain_networks(settings)
    storage = open_storage(settings)
    _check(given.opened, _opened(on_disk, storage))
    stack = ExitStack()
    return _ForGood(
        stack, stack.enter_context(opened(Installation(settings, on_disk, storage), given.terms))
    )


@dataclass(frozen=True, slots=True)
class _ForGood:
    """Keeps open what the work needs."""

    opened: ExitStack
    do: Work[Any]

    def __call__(self, part: Part) -> Sequence[Any]:
        return self.do(part)


def _opened(on_disk: PackOnDisk, storage: Storage) -> Mapping[str, str]:
    networks = [f"{role} {on_disk.digests.get(role)}" for role in sorted(on_disk.cards)]
    if on_disk.previous:
        networks += [f"previous {digest}" for digest in on_disk.previous.digests.values()]
    database = storage.derived_secret("bulk workers")
    return {
        "version": perse.__version__,
        "networks": ", ".join(networks),
        "database": hashlib.sha256(database).hexdigest(),
    }


_REMEDY = {
    "version": "install the same version of perse on every machine",
    "networks": "let every machine have the same pack (PERSE_CATALOG, PERSE_MODEL_MIRROR)",
    "database": "give every machine's Ray the same PERSE_DATABASE_URL and master key; SQLite "
    "serves one machine only",
}


def _check(wanted: Mapping[str, str], here: Mapping[str, str]) -> None:
    for what, remedy in _REMEDY.items():
        if here[what] != wanted[what]:
            raise SetupError(f"a worker has another {what} than this command: {remedy}")
