"""A PostgreSQL server that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.storage.cluster import Cluster, installed_programs, running_cluster

__all__ = ["Cluster", "installed_programs", "running_cluster", "shared_cluster"]


def shared_cluster() -> Iterator[Cluster]:
    """For a fixture: one for many tests, which are skipped where it cannot be had, and may be."""
    programs = installed_programs()
    if programs is None:
        message = "PostgreSQL is not installed (on Debian: apt install postgresql)"
        if NOTHING_MAY_BE_SKIPPED:
            pytest.fail(message)
        pytest.skip(message)
    with running_cluster(programs) as started:
        yield started
