"""The drill of ``docs/deployment.md``, line by line: what a backup brings back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.real_house import House, reopened_house, running_house
from tests.storage.postgresql import Cluster

PAGE = (REPOSITORY / "docs" / "deployment.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```sh\n# ((?:backup|restore), \w+)\n(.+?)```", PAGE, re.DOTALL))


@dataclass(frozen=True)
class Drill:
    """``kind``: as the page says it; ``places``: the variables of its blocks."""

    kind: str
    house: House
    places: dict[str, str]

    def run(self, what: str) -> None:
        programs = f"{Path(sys.executable).parent}:{self.places['PROGRAMS']}:{os.environ['PATH']}"
        script = f"set -eu\n{BLOCKS[f'{what}, {self.kind}']}"
        done = subprocess.run(  # noqa: PLW1510
            ["sh", "-c", script],  # noqa: S607
            env={**os.environ, **self.places, "PATH": programs, "PERSE_OFFLINE": "true"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def drill(
    request: pytest.FixtureRequest, cluster: Cluster, network_files: Path, tmp_path: Path
) -> Iterator[Drill]:
    """A server that serves. PostgreSQL: a database of its own, not a schema as elsewhere."""
    names = [f"drill_{uuid.uuid4().hex[:8]}" for _ in range(2)]
    for name in names:
        cluster.sql(f"CREATE DATABASE {name}")
    url, empty = (cluster.url.replace("/postgres?", f"/{name}?") for name in names)
    places = {"DATABASE": url, "EMPTY": empty, "PROGRAMS": str(cluster.programs)} | {
        name.upper(): str(tmp_path / name) for name in ("data", "backup", "restored")
    }
    (tmp_path / "data").mkdir(mode=0o700)
    database = url if request.param == "PostgreSQL" else None
    with running_house(tmp_path / "data", network_files, None, url=database) as house:
        yield Drill(request.param, house, places)


def test_a_restored_backup_knows_people_and_vouches_for_receipts(
    drill: Drill, network_files: Path
) -> None:
    token = drill.house.post("obama_2010").json()["user_token"]
    gone = drill.house.post("hopper_1984").json()["user_token"]
    receipt = drill.house.client.delete(f"/v0/face/enrollment/{gone}/").json()["receipt"]
    drill.run("backup")
    later = drill.house.post("biden_2010").json()["user_token"]

    drill.run("restore")
    url = drill.places["EMPTY"] if drill.kind == "PostgreSQL" else None
    with reopened_house(Path(drill.places["RESTORED"]), network_files, url=url) as house:
        mated = house.post("obama_2012", "/v0/face/compare", user_token=token).json()
        assert mated["similarity"] >= mated["default_thresholds"]["similarity"]
        for absent in (gone, later):
            answer = house.post("obama_2012", "/v0/face/compare", user_token=absent)
            assert answer.json()["code"] == "user_token_not_found"
        (kept,) = house.services.storage.receipts.list(tenant_id=None, subject_sha256=None)
        assert kept.jws == receipt
        assert house.services.storage.receipts.signer.verify(receipt)["destroyed"]
