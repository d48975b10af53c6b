"""Rotations, enrolments, updates, erasures, starts and kills at random: whatever was acknowledged
is read by every server that runs, and by one that starts now.

``PERSE_ROTATION_RUNS=500`` runs a longer campaign than the few runs of every test.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from perse.storage.database import open_database
from perse.storage.master_key import master_key_id, parse_keys
from perse.storage.secrets import named_master_keys
from tests.storage.postgresql import Cluster
from tests.storage.samples import ACME, OTHER
from tests.storage.stage import Process, Refused, Stage

RUNS = int(os.environ.get("PERSE_ROTATION_RUNS", "0"))
TENANTS = st.sampled_from([ACME, OTHER])


class Rotations(RuleBasedStateMachine):
    """``users``: the owner of every token that was acknowledged."""

    def __init__(self, stage: Stage, new_database: Callable[[Path], str]) -> None:
        super().__init__()
        self.stage = stage
        self.folder = Path(tempfile.mkdtemp(prefix="perse-"))
        self.url = new_database(self.folder)
        self.servers: list[Process] = []
        self.users: dict[str, str] = {}
        self.paused: Process | None = None
        self.seed = 0

    def teardown(self) -> None:
        self.stage.clear()
        shutil.rmtree(self.folder)

    @initialize()
    def set_up(self) -> None:
        self.servers = [self.stage.server(self.url, self.folder)]
        for tenant in (ACME, OTHER):
            self.servers[0].ask("add_tenant", tenant)
        self.enrol(ACME, 0)

    @rule(tenant=TENANTS, which=st.integers(0, 2))
    def enrol(self, tenant: str, which: int) -> None:
        self.seed += 1
        self.users[str(self._server(which).ask("enrol", tenant, self.seed))] = tenant

    @precondition(lambda self: self.users)
    @rule(which=st.integers(0, 2), user=st.integers(0, 20))
    def update(self, which: int, user: int) -> None:
        self.seed += 1
        token = list(self.users)[user % len(self.users)]
        self._server(which).ask("update", self.users[token], token, self.seed)

    @rule(tenant=TENANTS)
    def erase(self, tenant: str) -> None:
        self.servers[0].ask("erase", tenant)
        self.users = {token: owner for token, owner in self.users.items() if owner != tenant}
        self.servers[0].ask("add_tenant", tenant)

    @precondition(lambda self: len(self.servers) < 3)
    @rule()
    def start_a_server(self) -> None:
        self.servers.append(self.stage.server(self.url, self.folder))

    @precondition(lambda self: len(self.servers) > 1)
    @rule(which=st.integers(0, 2), tenant=TENANTS)
    def kill_a_server_that_enrols(self, which: int, tenant: str) -> None:
        server = self._server(which)
        server.tell("enrol", tenant, 0)
        server.kill()
        self.servers.remove(server)

    @precondition(lambda self: self.paused is None)
    @rule(tenant_keys=st.booleans(), step=st.integers(0, 11))
    def begin_a_rotation(self, tenant_keys: bool, step: int) -> None:
        rotating = self.stage.server(self.url, self.folder)
        said = rotating.rotate(self.folder, tenant_keys=tenant_keys, stop_at=step, outside=True)
        if said == "stopped":
            self.paused = rotating
        else:
            assert self._keys_in_file() == [said]

    @precondition(lambda self: self.paused is None)
    @rule(tenant_keys=st.booleans(), step=st.integers(0, 50))
    def kill_a_rotation(self, tenant_keys: bool, step: int) -> None:
        rotating = self.stage.server(self.url, self.folder)
        rotating.rotate(self.folder, tenant_keys=tenant_keys, stop_at=step)
        rotating.kill()

    @precondition(lambda self: self.paused is not None)
    @rule()
    def end_the_rotation(self) -> None:
        assert self.paused
        new = self.paused.resume()
        assert self._keys_in_file() == [new]
        self.paused = None

    @precondition(lambda self: self.paused is not None)
    @rule()
    def kill_the_rotation(self) -> None:
        assert self.paused
        self.paused.kill()
        self.paused = None

    @precondition(lambda self: self.paused is not None)
    @rule()
    def rotate_meanwhile(self) -> None:
        with pytest.raises(Refused, match="another rotation"):
            self.stage.server(self.url, self.folder).rotate(self.folder, wait_s=0.1)

    @invariant()
    def everything_is_readable(self) -> None:
        users = [(owner, token) for token, owner in self.users.items()]
        starting = self.stage.server(self.url, self.folder)
        for server in (*self.servers, starting):
            assert server.ask("read", users) == len(users)
        starting.kill()

    @invariant()
    def every_key_that_is_named_is_in_the_file(self) -> None:
        database = open_database(self.url)
        with database.read() as connection:
            assert named_master_keys(connection) <= set(self._keys_in_file())
        database.close()

    def _server(self, which: int) -> Process:
        return self.servers[which % len(self.servers)]

    def _keys_in_file(self) -> list[str]:
        text = (self.folder / "master.key").read_text()
        return [master_key_id(key) for key in parse_keys(text)]


def play(stage: Stage, new_database: Callable[[Path], str], *, runs: int, steps: int) -> None:
    class Here(Rotations):
        def __init__(self) -> None:
            super().__init__(stage, new_database)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=RUNS or runs,
            stateful_step_count=40 if RUNS else steps,
            derandomize=not RUNS,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_rotations_at_random_on_sqlite(stage: Stage) -> None:
    play(stage, lambda folder: f"sqlite:///{folder / 'perse.db'}", runs=6, steps=12)


def test_rotations_at_random_on_postgresql(stage: Stage, cluster: Cluster) -> None:
    play(stage, lambda _: cluster.new_database(), runs=2, steps=10)
