from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.machines import closed_to_others, environment


@pytest.fixture(scope="package", autouse=True)
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ray reads its variables once in a process, when it is first imported. What other tests start
    must not have them."""
    folder = tmp_path_factory.mktemp("closed")
    with environment(closed_to_others(folder)):
        yield folder
