from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from perse.cli.application import app
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.conftest import REPOSITORY

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """``perse serve`` sends logs to its stderr, which the runner closes when it has ended."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def standard_weights(catalog: Catalog, weights: WeightStore) -> Path:
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    return REPOSITORY / "build" / "weights"


@pytest.fixture
def standard(tmp_path: Path, standard_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command over a fresh data folder that has the weights of the standard pack."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "weights").symlink_to(standard_weights)
    monkeypatch.setenv("PERSE_PACK", "standard")
    monkeypatch.setenv("PERSE_OFFLINE", "true")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Result:
        arguments = [*map(str, words), "--data-dir", str(tmp_path / "data")]
        return CliRunner().invoke(app, arguments)

    return run


def over(folder: Path) -> Run:
    """Runs a command over a data folder; what it raises is raised."""

    def run(*words: object) -> Result:
        result = CliRunner().invoke(app, [*map(str, words), "--data-dir", str(folder)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
