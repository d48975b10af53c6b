"""A real server over real networks and a real database, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from perse.api.app import create_app
from perse.api.server.server import make_server
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.services import Services, open_services
from perse.bootstrap.weights import obtain_networks
from perse.settings import load_settings
from tests.storage.postgresql import Cluster

PORTRAITS = Path(__file__).parent / "samples" / "portraits"
CONSENT = {"client_declaration_enduser_consent": "true"}


@dataclass(frozen=True)
class House:
    """A running server, its insides and a client with a key of its own."""

    folder: Path
    services: Services
    client: httpx.Client

    def post(
        self,
        name: str,
        path: str = "/v0/face/enrollment",
        method: str = "POST",
        *,
        recording: bytes | None = None,
        **data: str,
    ) -> httpx.Response:
        """Send a portrait, and a recording if there is one; no portrait where it has no name."""
        files = {"image_file": (PORTRAITS / f"{name}.jpg").read_bytes()} if name else {}
        files |= {} if recording is None else {"audio_file": recording}
        return self.client.request(method, path, files=files, data=CONSENT | data)


@contextmanager
def running_house(
    folder: Path,
    weights: Path,
    database: Cluster | None,
    arranged: Callable[[Services], Services] = lambda it: it,
    *,
    url: str | None = None,
) -> Iterator[House]:
    """``database`` None: that of ``url``, without one SQLite in ``folder``; an empty one.
    ``arranged``: what is to be served."""
    url = url if database is None else database.new_database()
    with reopened_house(folder, weights, arranged, url=url, key_name="app") as house:
        yield house


@contextmanager
def reopened_house(
    folder: Path,
    weights: Path,
    arranged: Callable[[Services], Services] = lambda it: it,
    *,
    url: str | None = None,
    key_name: str = "again",
) -> Iterator[House]:
    """Over what was kept before, with a further API key of the tenant that is there."""
    (folder / "weights").symlink_to(weights)
    settings = load_settings(data_dir=folder, pack="standard", offline=True, database_url=url)
    services = arranged(open_services(settings, obtain_networks(settings)))
    keys = ApiKeys(services.storage.keys)
    there = next((key.name for key in keys.store.all() if key.active), None)
    _, key = keys.create(key_name, tenant_of=there)
    ready, addresses = threading.Event(), list[str]()

    def announce(address: str) -> None:
        addresses.append(address)
        ready.set()

    server = make_server(
        create_app(services, settings), host="127.0.0.1", port=0, on_ready=announce
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(60)
        with httpx.Client(
            base_url=addresses[0].rstrip("/"), headers={"x-api-key": key}, timeout=30
        ) as client:
            yield House(folder, services, client)
    finally:
        server.should_exit = True
        thread.join(30)
