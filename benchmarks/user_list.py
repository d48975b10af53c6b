"""What the list of a tenant's users costs, kept in memory and asked anew (decision 0014).

.venv/bin/python -m benchmarks.user_list [--users 100000] [--database postgresql://...]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from benchmarks.enrolment import fill
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.domain.access import TenantId
from perse.domain.references import UserToken, UserTokens, new_user_token
from perse.settings import load_settings
from perse.storage.changes import Change, note_change
from perse.storage.database import Database
from perse.storage.reference_list import SqlReferenceList
from perse.storage.schema import subjects
from perse.storage.sealing import Owner

ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        settings = load_settings(data_dir=Path(folder), database_url=None)
        with open_storage(settings) as storage:
            key, _ = ApiKeys(storage.keys).create("benchmark")
            print(f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
                  f"{platform.python_version()}")  # fmt: skip
            fill(storage, key.caller, given.users)
            measure(storage.database, key.tenant_id)


def measure(database: Database, tenant_id: TenantId) -> None:
    kept = SqlReferenceList(database)
    everything = kept.tokens(tenant_id)
    print(f"{len(everything):,} users, {everything.size_bytes / 1e6:.1f} MB; "
          f"processor time, median of {ROUNDS}")  # fmt: skip

    show("one column, a row each", lambda: UserTokens.of(_rows(database, tenant_id)))
    show("joined by the database", lambda: SqlReferenceList(database).tokens(tenant_id))
    show("kept, nothing has changed", lambda: kept.tokens(tenant_id))
    show(
        "kept, one user more",
        lambda: kept.tokens(tenant_id),
        before=lambda: _add(database, tenant_id),
    )


def _add(database: Database, tenant_id: TenantId) -> None:
    """As an enrolment notes it, which adds its row too."""
    with database.write() as connection:
        note_change(connection, Owner(tenant_id, new_user_token()), Change.ADDED)


def _rows(database: Database, tenant_id: TenantId) -> list[UserToken]:
    query = (
        sa.select(subjects.c.user_token)
        .where(subjects.c.tenant_id == tenant_id)
        .order_by(subjects.c.subject_id)
    )
    with database.read() as connection:
        return [UserToken(token) for token in connection.execute(query).scalars()]


def show(
    name: str, work: Callable[[], object], before: Callable[[], object] = lambda: None
) -> None:
    taken = []
    for _ in range(ROUNDS):
        before()
        taken.append(processor_s(work))
    print(f"{name:28} {1000 * statistics.median(taken):7.2f} ms")


def processor_s(work: Callable[[], object]) -> float:
    """SQLite works in this process, so that nobody else's work counts."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
