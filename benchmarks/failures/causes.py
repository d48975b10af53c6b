"""What breaks. Each function causes one thing, lets it last, and ends it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

from benchmarks.failures.house import House, Server, new_signing_key

_LASTS_S = 12.0

Cause = Callable[[House], None]


def kill_a_server(house: House) -> None:
    """kill -9, and a new one in its place."""
    victim = house.servers[0]
    victim.end(signal.SIGKILL)
    time.sleep(4)
    victim.start()
    victim.await_ready()


def freeze_a_server(house: House) -> None:
    """SIGSTOP, and SIGCONT."""
    house.servers[1].send(signal.SIGSTOP)
    time.sleep(_LASTS_S)
    house.servers[1].send(signal.SIGCONT)


def restart_the_database(house: House) -> None:
    """As an operator does."""
    house.pair.primary.restart()


def crash_the_database(house: House) -> None:
    """kill -9 of all its processes, and a start with recovery."""
    house.pair.kill_primary()
    time.sleep(3)
    house.pair.primary.start()


def fill_the_disk(house: House) -> None:
    """Of the database, to the last byte; then there is room again."""
    house.pair.fill_disk()
    time.sleep(_LASTS_S)
    house.pair.make_room()


def cut_one_server_off(house: House) -> None:
    """From the database: nothing arrives, nobody is told."""
    house.servers[2].cut()
    time.sleep(_LASTS_S)
    house.servers[2].mend()


def cut_all_servers_off(house: House) -> None:
    """The same for all of them."""
    for server in house.servers:
        server.cut()
    time.sleep(_LASTS_S)
    for server in house.servers:
        server.mend()


def freeze_the_database(house: House) -> None:
    """Every process of it is stopped: its machine still says that it got what was sent."""
    pids = house.pair.processes()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(_LASTS_S)
    for pid in pids:
        with suppress(ProcessLookupError):  # its client has left
            os.kill(pid, signal.SIGCONT)


def fail_over(house: House) -> None:
    """The primary's machine is gone, its replica is promoted."""
    house.pair.kill_primary()
    house.pair.fail_over()


def old_primary_returns(house: House) -> None:
    """It takes writes again, and a server starts meanwhile that has met neither."""
    old = house.pair.replica
    old.start()
    before = house.pair.asked(_CHANGES, of=old)
    newcomer = house.servers[0]
    _exchange(newcomer)
    time.sleep(_LASTS_S)
    after = house.pair.asked(_CHANGES, of=old)
    if before != after:
        raise AssertionError(f"the old primary took {after} changes, {before} before")
    old.stop("immediate")
    house.pair.follow()


_CHANGES = (
    "SELECT coalesce(sum(revision), 0) || ' ' || (SELECT max(seq) FROM ledger_head) FROM tenants"
)


def roll_a_new_version(house: House) -> None:
    """Each server ends and starts anew, one after the other, without a word to the proxy."""
    for server in house.servers:
        _exchange(server)


def _exchange(server: Server) -> None:
    server.end()
    server.start()
    server.await_ready()


def rotate_secrets(house: House) -> None:
    """Master key and tenants' keys."""
    done = house.perse("secrets", "rotate", "--tenant-keys")
    if done.returncode:
        raise AssertionError(done.stderr)


def rotate_signing_keys(house: House) -> None:
    """A new one before the old one, servers exchanged one after the other."""
    file = house.signing_keys
    file.write_text(new_signing_key() + file.read_text())
    roll_a_new_version(house)


CAUSES: Mapping[str, Cause] = MappingProxyType(
    {
        it.__name__.replace("_", "-"): it
        for it in (
            kill_a_server,
            freeze_a_server,
            roll_a_new_version,
            restart_the_database,
            crash_the_database,
            cut_one_server_off,
            cut_all_servers_off,
            freeze_the_database,
            fill_the_disk,
            rotate_secrets,
            rotate_signing_keys,
            fail_over,
            old_primary_returns,
        )
    }
)
