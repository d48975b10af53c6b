"""Whether this server fits the others of its installation: ``perse doctor --deep``.

What can be compared through the database is: its clock, its schema, the master key that opens it,
and the networks that its users are enrolled with. Signing keys and packs of other servers are what
those servers publish.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from perse.auth.api_keys import utc_now
from perse.bootstrap.examination import (
    Finding,
    Found,
    State,
    existing_database,
    existing_signing_keys,
    finding,
)
from perse.bootstrap.neighbours import ask
from perse.bootstrap.previous_network import embedders_of
from perse.bootstrap.storage import master_key_choice
from perse.bootstrap.weights import chosen_pack, open_catalog
from perse.errors import PerseError
from perse.settings import Settings
from perse.storage.database import Database
from perse.storage.migration import schema_status
from perse.storage.pulse import feel_pulse
from perse.storage.secrets import opened_with
from perse.storage.tenants import users_by_model

# Session tokens from the future are refused beyond 5 s: half of that is warned of.
_GREAT_SKEW_S: Final = 5.0
_SKEW_S: Final = 2.5
# A comparison waits for the database a few times.
_SLOW_ROUND_TRIP_S: Final = 0.010
_LITTLE_ROOM_BYTES: Final = 2_000_000_000
_NO_ROOM_BYTES: Final = 200_000_000


def examine_deployment(
    settings: Settings,
    servers: Sequence[str] = (),
    disk_free: Callable[[Settings], int] = lambda it: shutil.disk_usage(it.data_dir).free,
) -> Iterator[Finding]:
    """One finding for each thing that servers of one installation must agree on."""
    yield finding("round trip to the database", lambda: _check_round_trip(settings))
    yield finding("clock", lambda: _check_clock(settings))
    yield finding("schema", lambda: _check_schema(settings))
    yield finding("master key", lambda: _check_master_key(settings))
    yield finding("signing keys", lambda: _check_signing_keys(settings))
    yield finding("networks of users", lambda: _check_networks(settings))
    yield finding("room on the disk", lambda: _check_room(disk_free(settings)))
    for url in servers:
        yield finding(url, partial(_check_server, settings, url))


def _check_round_trip(settings: Settings) -> Found:
    with existing_database(settings) as database:
        took_s = feel_pulse(database).round_trip_s
    slow = took_s > _SLOW_ROUND_TRIP_S
    advice = ": every request waits for some of them, so put servers nearer to it" if slow else ""
    return Found(f"{took_s * 1e3:.2f} ms{advice}", State.WARNING if slow else State.OK)


def _check_clock(settings: Settings) -> Found:
    with existing_database(settings) as database:
        ahead_s = feel_pulse(database).ahead_s
    if ahead_s is None:
        return Found("the database is a file of this machine")
    return clock_finding(ahead_s)


def clock_finding(ahead_s: float) -> Found:
    """What a database means whose clock is ahead of this machine's by so much."""
    text = f"the database's is {ahead_s:+.3f} s against this machine's"
    if abs(ahead_s) <= _SKEW_S:
        return Found(text)
    state = State.FAILED if abs(ahead_s) > _GREAT_SKEW_S else State.WARNING
    return Found(f"{text}: let both follow one time server", state)


def _check_schema(settings: Settings) -> Found:
    with _current_database(settings) as database:
        return Found(f"{schema_status(database).current}, the newest that this version knows")


@contextmanager
def _current_database(settings: Settings) -> Iterator[Database]:
    with existing_database(settings) as database:
        status = schema_status(database)
        if status.pending:
            raise PerseError(
                f"the schema is {status.current or 'none yet'}, and {status.newest} is needed: "
                "stop servers of the version before, then run `perse db upgrade`"
            )
        yield database


def _check_master_key(settings: Settings) -> Found:
    with _current_database(settings) as database:
        key_id = opened_with(database, master_key_choice(settings).open)
        shared = not database.is_sqlite
    if key_id is None:
        return Found("nothing is sealed yet", State.WARNING)
    given = settings.master_key is not None or settings.master_key_command is not None
    if shared and not given:
        file = settings.effective_master_key_file
        text = f"{key_id} opens the database, from {file}: every server needs that same file"
        return Found(text, State.WARNING)
    return Found(f"{key_id} opens the database")


def _check_signing_keys(settings: Settings) -> Found:
    kids = ", ".join(_kids(settings))
    if settings.token_signing_keys is None and settings.database_url is not None:
        text = f"{kids}, from this machine's data folder: share them by PERSE_TOKEN_SIGNING_KEYS"
        return Found(text, State.WARNING)
    return Found(kids)


def _check_networks(settings: Settings) -> Found:
    embedders, now = embedders_of(settings), utc_now()
    counted: Counter[str] = Counter()
    with _current_database(settings) as database:
        for (_, model), users in users_by_model(database).items():
            counted[model] += users
    if not counted:
        return Found("nobody is enrolled yet")
    text = "; ".join(f"{users} with {model}" for model, users in sorted(counted.items()))
    lost = [model for model in counted if not embedders.compares(model, at=now)]
    if lost:
        raise PerseError(
            f"{text}; {', '.join(lost)} is neither this pack's nor the previous one's: start with "
            "the pack that the other servers have"
        )
    return Found(text)


def _check_room(free_bytes: int) -> Found:
    text = f"{free_bytes / 1e9:.1f} GB"
    if free_bytes < _NO_ROOM_BYTES:
        raise PerseError(f"{text}: make room")
    return Found(text, State.WARNING if free_bytes < _LITTLE_ROOM_BYTES else State.OK)


def _check_server(settings: Settings, url: str) -> Found:
    neighbour = ask(url)
    choice = chosen_pack(settings, open_catalog(settings))
    kids = set(_kids(settings))
    return neighbour.compared(packs=(choice.name, choice.previous), signing_keys=kids)


def _kids(settings: Settings) -> Sequence[str]:
    return [key.kid for key in existing_signing_keys(settings)]
