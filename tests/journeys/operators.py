"""An operator at the command line of an installation of their own, with pictures of people."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.cli.application import app
from perse.domain.access import Caller
from perse.settings import load_settings
from perse.storage.storage import Storage
from tests.conftest import REPOSITORY

PORTRAITS = REPOSITORY / "tests" / "samples" / "portraits"


@dataclass(frozen=True)
class Operator:
    """``people`` has a folder per person: three pictures of two."""

    data: Path
    people: Path
    storage: Storage
    caller: Caller

    @classmethod
    @contextmanager
    def at_work(
        cls, weights: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Self]:
        """In an empty ``folder``, with the networks that lie in ``weights``."""
        monkeypatch.setenv("PERSE_OFFLINE", "true")
        data, people = folder / "data", folder / "people"
        data.mkdir()
        (data / "weights").symlink_to(weights)
        for name in ("obama_2009", "obama_2012", "hopper_1984"):
            person = people / name.split("_")[0]
            person.mkdir(parents=True, exist_ok=True)
            shutil.copy(PORTRAITS / f"{name}.jpg", person)
        with open_storage(load_settings(data_dir=data)) as storage:
            key, _ = ApiKeys(storage.keys).create("app")
            yield cls(data, people, storage, key.caller)

    @property
    def report(self) -> Path:
        return self.people.parent / "report.jsonl"

    def run(self, *arguments: str) -> Result:
        result = CliRunner().invoke(app, [*arguments, "--data-dir", str(self.data)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def reported(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.report.read_text().splitlines()]
