"""The client knows every operation of the server, all it takes and all it answers."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints
from urllib.parse import unquote

import pytest

import perse_client.operations
from perse.api.app import OPERATIONS
from perse.api.http.openapi import openapi_document
from perse_client import AsyncClient, Client, errors
from perse_client.call import Call
from perse_client.operations.measures import Answer
from perse_client.reading import wire_name

DOCUMENT = openapi_document(OPERATIONS)
SCHEMAS = DOCUMENT["components"]["schemas"]
# The same as default_thresholds, for clients that are older than this one.
SAID_TWICE = {"defaultThresholds"}
# What a method is given here, by the type of its parameter; of names, the name in braces.
SAMPLE: Mapping[str, object] = {
    "Upload": b"-",
    "Path": Path("-"),
    "bool": True,
    "int": 1,
    "float": 0.5,
    "Iterable": ["staff"],
    "Policy": "any",
    "OnDuplicate": "report",
    "Kind": "passive",
    "OnPass": "enrol",
}


def described() -> Iterator[tuple[str, Callable[..., Any]]]:
    """What the client can do, by name."""
    for module in pkgutil.iter_modules(perse_client.operations.__path__):
        found = import_module(f"perse_client.operations.{module.name}")
        for name, member in inspect.getmembers(found, inspect.isfunction):
            returned = str(member.__annotations__.get("return", ""))
            if member.__module__ == found.__name__ and returned.startswith(("Call[", "Listing[")):
                yield name, member


METHODS = {name: it for name, it in described() if not name.startswith("_")}


def with_everything(describe: Callable[..., Call[Any]]) -> Call[Any]:
    """The call with every argument that it may have."""
    return describe(
        **{name: _sample(it) for name, it in inspect.signature(describe).parameters.items()}
    )


def _sample(parameter: inspect.Parameter) -> object:
    said = str(parameter.annotation).partition(" |")[0].partition("[")[0]
    return SAMPLE.get(said, f"{{{parameter.name}}}")


CALLS = {name: with_everything(it) for name, it in METHODS.items() if not name.startswith("iter_")}
BY_OPERATION: dict[str, list[Call[Any]]] = {}
for _call in CALLS.values():
    BY_OPERATION.setdefault(f"{_call.method} {unquote(_call.path)}", []).append(_call)
OPERATION_NAMES = [f"{it.method} {it.path}" for it in OPERATIONS]


def test_every_operation_has_a_method_and_no_other() -> None:
    assert set(OPERATION_NAMES) == set(BY_OPERATION)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_description_is_a_method_of_both_clients(client: type) -> None:
    assert {name for name in METHODS if not callable(getattr(client, name, None))} == set()


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"log_in"}))
def test_help_tells_what_a_method_does_and_takes(client: type, name: str) -> None:
    method, described = getattr(client, name), METHODS[name]
    assert method.__doc__ == described.__doc__
    assert method.__doc__
    assert list(inspect.signature(method).parameters) == [
        "self",
        *inspect.signature(described).parameters,
    ]


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_whatever_an_operation_takes_can_be_sent(name: str) -> None:
    taken, sent = set(_taken(_described(name))), set[str]()
    for call in BY_OPERATION[name]:
        sent |= {*call.files, *call.fields, *call.query, *call.headers, *(call.document or {})}
    assert sent == taken


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_whatever_an_operation_answers_can_be_read(name: str) -> None:
    content = _described(name)["responses"]["200"]["content"]
    for call in BY_OPERATION[name]:
        if "application/json" in content:
            assert list(_differences(content["application/json"]["schema"], call.answer, "")) == []
        else:
            assert call.answer is str


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_error_of_an_operation_has_its_class(name: str) -> None:
    for status, response in _described(name)["responses"].items():
        for code in response["content"].get("application/json", {}).get("examples", {}):
            assert errors.class_of(code, int(status)).known_code == code


def _described(name: str) -> dict[str, Any]:
    method, path = name.split()
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def _taken(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            yield parameter["name"]
    for body in operation.get("requestBody", {}).get("content", {}).values():
        yield from body["schema"]["properties"]


def _differences(schema: Mapping[str, Any], form: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    """Where a type and the schema of what is read as it are not alike."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    inner = [it for it in get_args(form) if it not in (NoneType, ...)]
    if NoneType in get_args(form):
        yield from _differences(schema, inner[0], where)
    elif is_dataclass(form):
        yield from _unlike(schema, form, where)
    elif schema.get("type") == "array" and inner:
        yield from _differences(schema["items"], inner[0], f"{where}[]")
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from _differences(schema["additionalProperties"], inner[1], f"{where}{{}}")


def _unlike(schema: Mapping[str, Any], form: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    hints, promised = get_type_hints(form), schema["properties"]
    known = {wire_name(it): hints[it.name] for it in fields(form)}
    for key in promised.keys() ^ known.keys():
        if key not in SAID_TWICE:
            yield f"{where}.{key}: only in one of the two"
    for key in promised.keys() & known.keys():
        if (NoneType in get_args(known[key])) == (key in schema["required"]):
            yield f"{where}.{key}: required in one, optional in the other"
        yield from _differences(promised[key], known[key], f"{where}.{key}")


def test_a_difference_is_seen() -> None:
    """The comparison above can fail."""
    content = _described("GET /v1/subjects")["responses"]["200"]["content"]
    assert set(_differences(content["application/json"]["schema"], Answer, "")) == {
        ".subjects: only in one of the two",
        ".next_cursor: only in one of the two",
    }
