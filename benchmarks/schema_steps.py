"""How long steps of the schema take while servers stand still.

    python -m benchmarks.schema_steps [--users 1000000] [--url postgresql://...] [--before 0005]

Makes a database of the schema ``--before`` with so many made-up users, then brings it to the newest
schema. Without ``--url`` it is a SQLite file in the folder for temporary files; a database that is
named must be empty.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from perse.storage import migration
from perse.storage.database import Database, open_database

_USERS = """
INSERT INTO subjects (tenant_id, user_token, created_at, updated_at)
WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :users)
SELECT 'tenant', 'user ' || i, 1000000 * i, 1000000 * i FROM n
"""
_TENANT = "INSERT INTO tenants (tenant_id, created_at) VALUES ('tenant', 0)"


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'perse.db'}"
        with open_database(url) as database:
            _fill(database, options)
            started_s = time.perf_counter()
            status = migration.upgrade_schema(database)
            took_s = time.perf_counter() - started_s
            print(
                f"{date.today()}: {database.kind}, {options.users:,} users: "
                f"steps {', '.join(status.pending)} took {took_s:.1f} s"
            )


def _fill(database: Database, options: argparse.Namespace) -> None:
    with migration.schema_lock(database) as connection:
        command.upgrade(migration._configuration(connection), options.before)
    with database.write_soon() as connection:
        connection.execute(sa.text(_TENANT))
        connection.execute(sa.text(_USERS), {"users": options.users})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--url")
    parser.add_argument("--before", default="0005")
    return parser.parse_args()


if __name__ == "__main__":
    main()
