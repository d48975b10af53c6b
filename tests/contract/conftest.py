from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server that takes pictures of 2 MB."""
    with serving(FakeServices(settings(max_image_bytes=2_000_000))) as server:
        yield server
