"""The house's walls, as tests: sizes, names, and nothing of anybody's machine."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from perse.weights.catalogue import load_catalog

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("src", "clients/python/src", "examples")
    for path in (REPOSITORY / folder).rglob("*.py")
)
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "manager", "base", "core", "misc"}


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_is_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_function_is_at_most_40_lines(path: Path) -> None:
    long = [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_name_says_what_is_in_it(path: Path) -> None:
    assert not NAMES_THAT_SAY_NOTHING & set(path.relative_to(REPOSITORY).with_suffix("").parts)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_the_product_does_not_know_the_development_files(path: Path) -> None:
    assert "../shared" not in path.read_text()


@pytest.mark.parametrize("path", sorted((REPOSITORY / "benchmarks").glob("*.py")), ids=_name)
def test_a_benchmark_shares_material_with_the_tests_and_no_test(path: Path) -> None:
    """What it imports of them: fakes, pictures and plain helpers, which no test runner drives."""
    for module in re.findall(r"^from (tests\.[\w.]+) import", path.read_text(), re.MULTILINE):
        text = (REPOSITORY / module.replace(".", "/")).with_suffix(".py").read_text()
        assert "import pytest" not in text, module


def test_the_import_contract_of_networks_lists_every_adapter() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
    (listed,) = (it["modules"] for it in contracts["contracts"] if it["type"] == "independence")
    adapters = {f"perse.networks.{card.adapter}" for card in load_catalog().models.values()}
    assert adapters - set(listed) == set()


def _tracked_text_files() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = REPOSITORY / name
        if path.is_file() and path.stat().st_size < 3_000_000:
            yield name, path.read_bytes().decode("utf-8", errors="replace")


def test_no_file_holds_a_home_folder_or_a_registry_address() -> None:
    leak = re.compile(r"/(?:home|Users|root)/\w|[p]ypi\.org|[p]ythonhosted|[n]pmjs\.(?:org|com)")
    found = [name for name, text in _tracked_text_files() if leak.search(text)]
    assert found == []


def test_nothing_is_left_to_do_in_the_code() -> None:
    mark = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    assert [name for name, text in _tracked_text_files() if mark.search(text)] == []
