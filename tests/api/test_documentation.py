"""docs/api.md names every operation and every error, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perse.api.app import OPERATIONS, SOCKETS
from perse.api.http.error_catalogue import MEANING
from perse.api.http.openapi import openapi_document
from perse.api.http.operations import Operation
from perse.api.http.problems import status_of

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


def _rows(heading: str) -> list[str]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_every_operation_is_documented_and_no_other() -> None:
    documented = {row.split("`")[1] for row in _rows("Operations")}
    assert documented == {f"{operation.method} {operation.path}" for operation in OPERATIONS}


def test_every_socket_is_documented_and_no_other() -> None:
    documented = {row.split("`")[1] for row in _rows("WebSockets")}
    assert documented == {operation.path for operation in SOCKETS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: f"{op.method} {op.path}")
def test_every_field_is_documented(operation: Operation) -> None:
    fields = operation.fields
    assert all(f"`{field.name}`" in PAGE for field in fields)


def test_every_error_is_documented_with_its_status() -> None:
    rows = {tuple(re.findall(r"`?([\w]+)`?", row.strip("| "))[:2]): row for row in _rows("Errors")}
    assert set(rows) == {(error.code, str(status_of(error))) for error in MEANING}


def test_every_key_of_an_answer_is_documented() -> None:
    schemas = openapi_document(OPERATIONS)["components"]["schemas"].values()
    keys = {key for schema in schemas for key in schema["properties"]}
    assert {key for key in keys if f"`{key}`" not in PAGE} == set()
