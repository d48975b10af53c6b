"""The OpenAPI document, made from the declared operations.

It is OpenAPI 3.0, whose schemas differ in a few words from those of today's JSON Schema: Swagger
UI as packaged for Python reads no later version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from perse import __version__
from perse.api.http.consent import CONSENT
from perse.api.http.error_catalogue import EVERYWHERE, MEANING
from perse.api.http.forms import FieldKind, FormField
from perse.api.http.operations import Operation, Parameter
from perse.api.http.prefixes import prefix_of
from perse.api.http.problems import CONTRACT, status_of
from perse.api.http.sockets import SocketOperation
from perse.errors import (
    PermissionMissing,
    PerseError,
    QuotaExceeded,
    RateLimited,
    StorageUnavailable,
    TryLater,
    Unauthorized,
)

Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_DESCRIPTION = (
    "Face and voice biometrics on your own machine. Every path is served with and without a "
    "trailing slash. Numbers are finite and never null; keys may be added to answers, so ignore "
    "those you do not know."
)
_PROBLEM: Json = {
    "type": "object",
    "required": ["code", "message", "status"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string", "description": "What is wrong and what to do."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "request_id": {"type": "string", "description": "Of faults: where the log tells more."},
    },
}
_SECURITY_SCHEMES: Json = {
    "session_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def openapi_endpoint(
    operations: Sequence[Operation], sockets: Sequence[SocketOperation] = ()
) -> ASGIApp:
    """Serves the document of these operations, with the path under which they are reached."""
    document = json.dumps(openapi_document(operations, sockets)).encode()

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        servers = _servers(prefix_of(scope))
        response = Response(b"{" + servers + document[1:], media_type="application/json")
        await response(scope, receive, send)

    return endpoint


def _servers(prefix: str) -> bytes:
    return b'"servers": %s, ' % json.dumps([{"url": prefix}]).encode() if prefix else b""


def openapi_document(
    operations: Sequence[Operation], sockets: Sequence[SocketOperation] = ()
) -> Json:
    """The document of these operations. It knows no words for WebSockets, so that those stand in
    an extension."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "perse",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **_answer_schemas(operations)},
            "securitySchemes": _SECURITY_SCHEMES,
        },
        **({"x-websockets": {it.path: _socket(it) for it in sockets}} if sockets else {}),
    }


def _socket(operation: SocketOperation) -> Json:
    return {
        "summary": operation.summary,
        "description": operation.description,
        "subprotocol": operation.subprotocol,
        "errors": sorted(error.code for error in {*operation.errors, *EVERYWHERE}),
    }


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": f"{operation.tag}_{operation.answer.__name__}",
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _description(operation),
        "security": [{name: []} for name in _SECURITY_SCHEMES] if operation.secured else [],
        "responses": {"200": _success(operation), **_problems(operation)},
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.form or operation.json_body:
        described["requestBody"] = {"required": True, "content": _content(operation)}
    return described


def _description(operation: Operation) -> str:
    said = (operation.description or operation.summary).rstrip()
    needed = operation.needs.sentence if operation.needs else ""
    ended = said if said.endswith((".", "`", ":")) else f"{said}."
    return f"{ended} {needed}" if needed else said


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.location,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _content(operation: Operation) -> Json:
    if operation.json_body:
        return {"application/json": {"schema": operation.json_body}}
    schema: Json = {
        "type": "object",
        "properties": {field.name: _field(field) for field in operation.fields},
        "required": [field.name for field in operation.fields if field.required],
    }
    if operation.one_of:
        schema["anyOf"] = [{"required": list(names)} for names in operation.one_of]
    if not schema["required"]:
        del schema["required"]
    return {"multipart/form-data": {"schema": schema}}


def _field(field: FormField) -> Json:
    if field.kind is not FieldKind.TEXT:
        return {"type": "string", "format": "binary", "description": field.description}
    described: Json = {"type": "string", "description": field.description}
    if field == CONSENT:
        described["enum"] = ["true", "false"]
    if field.example is not None:
        described["example"] = field.example
    return described


def _success(operation: Operation) -> Json:
    if operation.success is None:
        return {
            "description": "Success.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    content: Json = {"schema": {"$ref": _SCHEMAS + operation.success.__name__}}
    if operation.example is not None:
        content["example"] = operation.example
    described: Json = {"description": "Success.", "content": {"application/json": content}}
    if operation.tells_version:
        described["headers"] = {
            "ETag": {"schema": {"type": "string"}, "description": "The version, for If-Match."}
        }
    return described


def _problems(operation: Operation) -> Json:
    errors = {*operation.errors, *EVERYWHERE}
    if operation.secured:
        errors |= {Unauthorized, RateLimited, StorageUnavailable}
    if operation.secured and not operation.path.startswith(CONTRACT):
        errors.add(QuotaExceeded)
    if operation.needs and operation.needs.permissions:
        errors.add(PermissionMissing)
    by_status: dict[int, list[type[PerseError]]] = {}
    for error in sorted(errors, key=lambda error: error.code):
        by_status.setdefault(status_of(error), []).append(error)
    return {str(status): _problem(by_status[status]) for status in sorted(by_status)}


def _problem(errors: Iterable[type[PerseError]]) -> Json:
    examples = {error.code: {"value": example_of(error)} for error in errors}
    meanings = "; ".join(f"`{error.code}`: {MEANING[error]}" for error in errors)
    described: Json = {
        "description": meanings,
        "content": {
            "application/json": {"schema": {"$ref": _SCHEMAS + "Problem"}, "examples": examples}
        },
    }
    if any(issubclass(error, TryLater) for error in errors):
        described["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
    return described


def example_of(error: type[PerseError]) -> Json:
    """An answer of that error."""
    return {"code": error.code, "message": MEANING[error], "status": status_of(error)}


def _answer_schemas(operations: Iterable[Operation]) -> Json:
    answers = dict.fromkeys(operation.success for operation in operations if operation.success)
    _, document = models_json_schema(
        [(answer, "serialization") for answer in answers],
        by_alias=True,
        ref_template=_SCHEMAS + "{model}",
    )
    return {name: _as_3_0(schema) for name, schema in document["$defs"].items()}


def _as_3_0(schema: Any) -> Any:  # noqa: ANN401 - a JSON document
    """The same schema in OpenAPI 3.0's words, promising no more than answers keep.

    What may be None is left out of an answer, so it is optional there, not nullable; and keys may
    be added, so unknown ones are not forbidden.
    """
    if isinstance(schema, list):
        return [_as_3_0(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept: Json = {key: value for key, value in schema.items() if key not in _SAID_OTHERWISE}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if schema.get("additionalProperties"):
        kept["additionalProperties"] = schema["additionalProperties"]
    if _may_be_none(schema):
        kept |= next(option for option in schema["anyOf"] if option != {"type": "null"})
    converted = {key: _as_3_0(value) for key, value in kept.items() if key != "properties"}
    if "properties" in schema:
        properties = schema["properties"]
        converted["properties"] = {name: _as_3_0(value) for name, value in properties.items()}
        converted["required"] = [
            name for name in schema["required"] if not _may_be_none(properties[name])
        ]
    return converted


_SAID_OTHERWISE = frozenset({"const", "default", "anyOf", "additionalProperties", "title"})


def _may_be_none(schema: Mapping[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])
