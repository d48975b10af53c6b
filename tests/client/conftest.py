"""Both clients of one server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perse.domain.access import TenantId
from perse_client import AsyncClient, Client
from tests.fakes.services import FakeServices, settings
from tests.served import Served, serving

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Room for everything: overload has tests of its own."""
    with serving(FakeServices(settings(queue_size=1000))) as server:
        yield server


@pytest.fixture
def tenant(served: Served, request: pytest.FixtureRequest) -> tuple[TenantId, str]:
    """Whom nobody has used before, named as the test, and its API key."""
    key, text = served.services.keys.create(request.node.name)
    return key.tenant_id, text


@pytest.fixture
def api_key(tenant: tuple[TenantId, str]) -> str:
    return tenant[1]


@pytest.fixture
def client(served: Served, api_key: str) -> Iterator[Client]:
    with Client(served.url, api_key) as client:
        yield client


@pytest.fixture(params=["blocking", "awaiting"])
def ask(request: pytest.FixtureRequest, served: Served, api_key: str) -> Iterator[Ask]:
    """Calls the method of that name, of one client and of the other; lists what it iterates."""
    if request.param == "blocking":
        with Client(served.url, api_key) as client:
            yield lambda name, *args, **kwargs: _listed(getattr(client, name)(*args, **kwargs))
        return
    with asyncio.Runner() as runner:
        awaiting = AsyncClient(served.url, api_key)
        yield lambda name, *args, **kwargs: runner.run(_asked(awaiting, name, args, kwargs))
        runner.run(awaiting.aclose())


def _listed(answer: object) -> object:
    return list(answer) if isinstance(answer, Iterator) else answer


async def _asked(
    client: AsyncClient, name: str, args: tuple[object, ...], kwargs: dict[str, object]
) -> object:
    answer = getattr(client, name)(*args, **kwargs)
    return [it async for it in answer] if hasattr(answer, "__aiter__") else await answer
