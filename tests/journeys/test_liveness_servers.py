"""A liveness session of several servers over one database: opened at one, run at another, read at a
third. Each is ``perse serve`` in a process of its own."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from PIL import Image
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.real_house import PORTRAITS
from tests.serving_processes import ready_at, started
from tests.storage.postgresql import Cluster

# They share their servers.
pytestmark = pytest.mark.xdist_group("liveness servers")
PATH = "/v1/liveness/sessions"
PERSE = [sys.executable, "-I", "-m", "perse"]


@dataclass(frozen=True)
class Server:
    """One of them."""

    client: httpx.Client

    def open(self, **headers: str) -> dict[str, Any]:
        said: dict[str, Any] = self.client.post(PATH, json={}, headers=headers).json()
        return said

    def show(self, session_id: str) -> dict[str, Any]:
        said: dict[str, Any] = self.client.get(f"{PATH}/{session_id}").json()
        return said

    def join(self, token: str) -> ClientConnection:
        address = str(self.client.base_url).rstrip("/").replace("http", "ws", 1)
        return connect(
            f"{address}/v1/liveness/socket",
            subprotocols=[Subprotocol("perse.liveness.v1"), Subprotocol(f"token.{token}")],
            compression=None,
            proxy=None,
        )


@pytest.fixture(scope="module")
def servers(
    database: Cluster | None,
    pack_folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, ...]]:
    folder = tmp_path_factory.mktemp("servers")
    (folder / "weights").symlink_to(pack_folders["standard"] / "weights")
    environment = {
        "PERSE_DATA_DIR": str(folder),
        "PERSE_OFFLINE": "true",
        "PERSE_PROCESSES": "1",
        "PERSE_PORT": "0",
        "COLUMNS": "200",
        **({} if database is None else {"PERSE_DATABASE_URL": database.new_database()}),
    }
    key = perse(environment, "keys", "create", "shop").strip()
    with ExitStack() as stack:
        running = []
        for name in ("one", "two", *(["three"] if database else [])):
            (folder / name).mkdir()
            process = started([*PERSE, "serve"], folder / name, **environment)
            running.append((stack.enter_context(process), folder / name))
        urls = [ready_at(process, logs) for process, logs in running]
        clients = [httpx.Client(base_url=url, headers={"x-api-key": key}) for url in urls]
        one, two, *further = (Server(stack.enter_context(client)) for client in clients)
        yield one, two, *(further or [one])


def perse(environment: dict[str, str], *words: str) -> str:
    whole = {**os.environ, **environment}
    done = subprocess.run([*PERSE, *words], env=whole, capture_output=True, text=True, check=True)
    return done.stdout


def small_portrait() -> bytes:
    jpeg = BytesIO()
    with Image.open(PORTRAITS / "obama_2012.jpg") as picture:
        picture.thumbnail((480, 480))
        picture.save(jpeg, "JPEG")
    return jpeg.getvalue()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_session_of_one_server_is_run_at_another_and_read_at_a_third(
    servers: tuple[Server, ...],
) -> None:
    one, two, three = servers
    made = one.open()
    with two.join(made["client_token"]) as talk:
        heard = [json.loads(talk.recv()) for _ in range(2)]
        assert [it["type"] for it in heard] == ["ready", "prompt"]
        assert three.show(made["session_id"])["state"] == "started"
        for server in (one, three):
            with server.join(made["client_token"]) as late:
                assert json.loads(late.recv())["code"] == "unauthorized"
        talk.send(struct.pack(">d", 0.0) + small_portrait())
        assert json.loads(talk.recv())["type"] == "guidance"
        talk.send(json.dumps({"type": "cancel"}))
        assert json.loads(talk.recv()) == {"type": "finished"}
    known = three.show(made["session_id"])
    assert (known["state"], known["reasons"], known["frames"]) == ("failed", ["abandoned"], 1)
    keys = KeySet.import_key_set(one.client.get("/.well-known/jwks.json").json())
    signed = json.loads(jws.deserialize_compact(known["verdict"], keys, ["EdDSA"]).payload)
    assert (signed["sub"], signed["verdict"]) == (made["session_id"], "failed")


def test_a_session_that_is_revoked_at_one_server_ends_at_the_other(
    servers: tuple[Server, ...],
) -> None:
    one, two, three = servers
    made = one.open(**{"Idempotency-Key": "sign-up-17"})
    assert two.open(**{"Idempotency-Key": "sign-up-17"})["client_token"] == made["client_token"]
    with three.join(made["client_token"]) as talk:
        assert json.loads(talk.recv())["type"] == "ready"
        assert two.client.delete(f"{PATH}/{made['session_id']}").status_code == 200
        talk.send(json.dumps({"type": "cancel"}))
        assert one.client.get(f"{PATH}/{made['session_id']}").status_code == 404
    with one.join(made["client_token"]) as late:
        assert json.loads(late.recv())["code"] == "unauthorized"
