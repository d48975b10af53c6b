"""The papers say what is so: links lead somewhere, paths are there, the drawing is right."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from perse.api.app import OPERATIONS
from perse.api.http.openapi import openapi_document
from perse.errors import PerseError
from tests.conftest import REPOSITORY

WRITTEN = (".github", "docs", "clients", "examples", "training", "tests")
PAPERS = sorted(
    path
    for pattern in ("*.md", *(f"{home}/**/*.md" for home in WRITTEN))
    for path in REPOSITORY.glob(pattern)
)
# A decision speaks of its own day, and the samples' list of other parties' folders.
TODAYS = [paper for paper in PAPERS if paper.parent.name not in {"decisions", "samples"}]
PACKAGE = REPOSITORY / "src" / "perse"
README = (REPOSITORY / "README.md").read_text("utf-8")
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
GLOSSARY = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8")
# What a path in backticks begins with: in this repository, or in the package.
ROOMS = tuple(f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir())
HOMES = tuple(f"{home}/" for home in (*WRITTEN, "src", "benchmarks", "requirements", ".ci"))
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#([^)\s]+))?\)")
CODE = re.compile(r"`([^`\s]+)`")
# Files of other parties' packages, and of a data folder, that have a room's name.
ELSEWHERE = re.compile(r"\.(?:onnx|tflite|pt)$|^weights/(?:converted/)?$")
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("paper", PAPERS, ids=_name)
def test_a_link_leads_to_a_page_and_a_heading(paper: Path) -> None:
    lost = []
    for name, heading in LINK.findall(paper.read_text("utf-8")):
        target = (paper.parent / name).resolve()
        if not target.exists() or (heading and heading not in _anchors(target)):
            lost.append(f"{name}#{heading}")
    assert lost == []


@pytest.mark.parametrize("paper", TODAYS, ids=_name)
def test_a_path_that_is_named_is_there(paper: Path) -> None:
    named = (code.partition("::")[0] for code in CODE.findall(paper.read_text("utf-8")))
    assert [name for name in named if not _is_there(name)] == []


@pytest.mark.parametrize("paper", TODAYS, ids=_name)
def test_a_command_that_is_named_can_be_run(paper: Path) -> None:
    text = paper.read_text("utf-8")
    targets = set(TARGET.findall((REPOSITORY / "Makefile").read_text("utf-8")))
    assert set(re.findall(r"(?:`|\n)make ([a-z]+)", text)) - targets == set()
    modules = re.findall(r"-m ((?:benchmarks|tests|training)[\w.]*)", text)
    assert [name for name in modules if find_spec(name) is None] == []


def test_every_page_is_found_from_the_readme() -> None:
    pages = {_name(paper) for paper in PAPERS if paper.parent.name == "docs"}
    assert {page for page in pages if f"({page}" not in README} == set()


@pytest.mark.parametrize(
    ("drawn", "contract"),
    [(0, "Rooms"), (1, "The HTTP side")],
    ids=["the house", "the HTTP side"],
)
def test_the_drawing_is_the_contract_of_imports(drawn: int, contract: str) -> None:
    drawing = ARCHITECTURE.split("```\n")[1::2][drawn]
    first_cells = [re.split(r"\s{2,}", line)[0] for line in drawing.splitlines()]
    assert [cell for cell in first_cells if cell] == _layers(contract)


def test_every_room_has_its_line() -> None:
    rooms = {room for layer in _layers("Rooms") for room in layer.split(" | ")}
    told = {code.strip("/").removesuffix(".py") for code in CODE.findall(_rows(ARCHITECTURE, 1))}
    assert rooms - told == {"__main__", "errors"}


@pytest.mark.parametrize("row", [line for line in GLOSSARY.splitlines() if line.startswith("| ")])
def test_a_word_of_the_wire_is_on_the_wire(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    if len(cells) == 4:
        assert [word for word in CODE.findall(cells[2]) if word not in _wire()] == []


def _layers(contract: str) -> list[str]:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    found = [c for c in contracts["tool"]["importlinter"]["contracts"] if contract in c["name"]]
    layers: list[str] = found[0]["layers"]
    return layers


def _rows(page: str, column: int) -> str:
    return "\n".join(
        line.split(" | ")[column - 1] for line in page.splitlines() if line.startswith("| ")
    )


def _is_there(name: str) -> bool:
    plain = name.rstrip(".,:;")
    if "*" in plain or ELSEWHERE.search(plain):
        return True
    if plain.startswith(HOMES):
        return (REPOSITORY / plain).exists()
    return not plain.startswith(ROOMS) or (PACKAGE / plain).exists()


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@cache
def _wire() -> str:
    codes = [error.code for error in _all_errors(PerseError)]
    return json.dumps([openapi_document(OPERATIONS), codes])


def _all_errors(root: type[PerseError]) -> list[type[PerseError]]:
    return [error for child in root.__subclasses__() for error in (child, *_all_errors(child))]
