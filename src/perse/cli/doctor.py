"""``perse doctor``: what works here, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import SecretStr
from rich.console import Console

import perse
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.storage import open_database, opened_keys
from perse.bootstrap.weights import (
    chosen_pack,
    needed_networks,
    open_catalog,
    open_store,
    previous_pack,
)
from perse.cli.failures import sentence
from perse.cli.options import DataDir, Pack
from perse.errors import PerseError
from perse.settings import Settings, load_settings
from perse.storage.migration import schema_status


@dataclass(frozen=True, slots=True)
class Finding:
    """``works`` is False when something must be done; ``text`` says what."""

    subject: str
    works: bool
    text: str


def doctor(data_dir: DataDir = None, pack: Pack = None) -> None:
    """Check this installation; nothing is fetched or changed. Exit status 1 if anything fails."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    console = Console()
    console.print(
        f"perse {perse.__version__}, Python {platform.python_version()} on "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores\n"
    )
    findings = list(examine(settings))
    for finding in findings:
        mark = "[green]ok  [/]" if finding.works else "[red]FAIL[/]"
        console.print(f"{mark} {finding.subject}: {finding.text}", soft_wrap=True)
    console.print("\nEffective settings:")
    for name, value in _shown(settings):
        console.print(f"  PERSE_{name.upper()} = {value}", soft_wrap=True, markup=False)
    if not all(finding.works for finding in findings):
        sys.exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding per thing that serving needs."""
    yield _finding("data folder", lambda: _check_folder(settings))
    yield _finding("weights", lambda: _check_weights(settings))
    yield _finding("database", lambda: _check_database(settings))
    yield _finding("session tokens", lambda: _check_signing_keys(settings))


def _finding(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, works=True, text=check())
    except (PerseError, OSError) as error:
        return Finding(subject, works=False, text=sentence(error))


def _check_folder(settings: Settings) -> str:
    if not settings.data_dir.is_dir():
        raise PerseError(f"{settings.data_dir} is not there yet: run `perse setup`")
    if not os.access(settings.data_dir, os.W_OK):
        raise PerseError(f"{settings.data_dir} may not be written: check its owner and mode")
    return str(settings.data_dir.absolute())


def _check_weights(settings: Settings) -> str:
    catalog, store = open_catalog(settings), open_store(settings)
    choice, cards = chosen_pack(settings, catalog), needed_networks(settings, catalog)
    for card in cards:
        store.path(card)
    integers = sum(store.runs_in_int8(card) for card in cards)
    form = f", {integers} in 8-bit integers" if integers else ""
    live = "face_attack_detector" in catalog.cards_of(choice.name)
    missing = "" if live else ", without liveness"
    previous = previous_pack(settings, catalog, choice)
    moving = f"; users of {previous.name} are moved" if previous else ""
    return f"pack {choice.name}, {len(cards)} networks verified{form}{missing}{moving}"


def _check_database(settings: Settings) -> str:
    if settings.database_url is None and not settings.sqlite_file.is_file():
        raise PerseError(f"{settings.sqlite_file} is not there yet: run `perse setup`")
    with open_database(settings) as database:
        if schema_status(database).pending:
            raise PerseError("the database's schema is of an older perse: run `perse db upgrade`")
    with opened_keys(settings) as keys:
        active = sum(key.active for key in keys.store.all())
    if not active:
        raise PerseError("no active API key: run `perse keys create NAME`")
    return f"{active} active API key{'' if active == 1 else 's'}"


def _check_signing_keys(settings: Settings) -> str:
    if settings.token_signing_keys is None and not settings.signing_key_file.is_file():
        raise PerseError(f"{settings.signing_key_file} is not there yet: run `perse setup`")
    keys = open_signing_keys(settings).keys
    return f"{len(keys)} signing key{'' if len(keys) == 1 else 's'}"


def _shown(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, value in settings:
        yield name, "********" if isinstance(value, SecretStr) else str(value)
