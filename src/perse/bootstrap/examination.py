"""What works here, and what to do about the rest: what ``perse doctor`` says, and a running server
of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from perse.auth.signing_keys import SigningKey
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.storage import open_database
from perse.bootstrap.weights import (
    chosen_pack,
    needed_networks,
    open_catalog,
    open_store,
    previous_pack,
)
from perse.errors import PerseError
from perse.failures import sentence
from perse.pipelines.recently import Recently
from perse.settings import Settings
from perse.storage.api_keys import SqlKeyList
from perse.storage.database import Database
from perse.storage.migration import schema_status
from perse.weights.files import Digest, KnownDigests, sha256_of

_KEPT_S = 10.0


class State(StrEnum):
    """``WARNING``: it serves, with less than it might. ``FAILED``: something must be done."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """About one thing that serving needs. ``text`` says what is, or what to do."""

    subject: str
    state: State
    text: str


class Found(NamedTuple):
    """What a check found out."""

    text: str
    state: State = State.OK


def recent_examination(
    settings: Settings, clock_s: Callable[[], float] = time.monotonic
) -> Recently[Sequence[Finding]]:
    """The findings about an installation, some seconds old at most; weight files are read for them
    once, and again when they have changed. Blocks."""
    known = KnownDigests()
    return Recently(lambda: tuple(examine(settings, known)), kept_s=_KEPT_S, clock_s=clock_s)


def examine(settings: Settings, digest: Digest = sha256_of) -> Iterator[Finding]:
    """One finding per thing that serving needs. ``digest``: of weight files."""
    yield finding("data folder", lambda: _check_folder(settings))
    yield finding("weights", lambda: _check_weights(settings, digest))
    yield finding("database", lambda: _check_database(settings))
    yield finding("session tokens", lambda: _check_signing_keys(settings))


def finding(subject: str, check: Callable[[], Found]) -> Finding:
    """What ``check`` finds; its error is a finding, too."""
    try:
        found = check()
    except (PerseError, OSError) as error:
        return Finding(subject, State.FAILED, sentence(error))
    return Finding(subject, found.state, found.text)


def _check_folder(settings: Settings) -> Found:
    if not settings.data_dir.is_dir():
        raise PerseError(f"{settings.data_dir} is not there yet: run `perse setup`")
    if not os.access(settings.data_dir, os.W_OK):
        raise PerseError(f"{settings.data_dir} may not be written: check its owner and mode")
    return Found(str(settings.data_dir.absolute()))


def _check_weights(settings: Settings, digest: Digest) -> Found:
    catalog, store = open_catalog(settings), open_store(settings, digest=digest)
    choice, cards = chosen_pack(settings, catalog), needed_networks(settings, catalog)
    for card in cards:
        store.path(card)
    integers = sum(store.runs_in_int8(card) for card in cards)
    form = f", {integers} in 8-bit integers" if integers else ""
    live = "face_attack_detector" in catalog.cards_of(choice.name)
    missing = "" if live else ", without liveness"
    previous = previous_pack(settings, catalog, choice)
    moving = f"; users of {previous.name} are moved" if previous else ""
    return Found(
        f"pack {choice.name}, {len(cards)} networks verified{form}{missing}{moving}",
        State.OK if live else State.WARNING,
    )


def existing_database(settings: Settings) -> Database:
    """Opened, and not made where there is none. Raises PerseError."""
    if settings.database_url is None and not settings.sqlite_file.is_file():
        raise PerseError(f"{settings.sqlite_file} is not there yet: run `perse setup`")
    return open_database(settings)


def _check_database(settings: Settings) -> Found:
    with existing_database(settings) as database:
        if schema_status(database).pending:
            raise PerseError("the database's schema is of an older perse: run `perse db upgrade`")
        active = sum(key.active for key in SqlKeyList(database).all())
    if not active:
        raise PerseError("no active API key: run `perse keys create NAME`")
    return Found(f"{active} active API key{'' if active == 1 else 's'}")


def existing_signing_keys(settings: Settings) -> Sequence[SigningKey]:
    """None is made where there is none. Raises PerseError."""
    if settings.token_signing_keys is None and not settings.signing_key_file.is_file():
        raise PerseError(f"{settings.signing_key_file} is not there yet: run `perse setup`")
    return open_signing_keys(settings).keys


def _check_signing_keys(settings: Settings) -> Found:
    keys = existing_signing_keys(settings)
    return Found(f"{len(keys)} signing key{'' if len(keys) == 1 else 's'}")
