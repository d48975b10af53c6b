"""From JSON to frozen dataclasses: unknown keys are ignored, absent optional ones are None."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, field, fields, is_dataclass
from datetime import datetime
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any], Any]
_NAME = "name on the wire"


def named(wire_name: str) -> Any:  # noqa: ANN401 - as dataclasses.field is typed
    """A field that is called otherwise on the wire."""
    return field(metadata={_NAME: wire_name})


def wire_name(it: Field[Any]) -> str:
    """What a field is called on the wire."""
    return str(it.metadata.get(_NAME, it.name))


def read(body: bytes, form: type[T]) -> T:
    """The answer in a body. Raises ValueError, which says where the body is not as it should be.

    ``form``: a dataclass of dataclasses, tuples, mappings, texts, numbers and times; or ``str`` for
    the body as a text.
    """
    if form is str:
        return cast(T, body.decode())
    reader: Reader = _reader_of(cast(Any, form))
    return cast(T, reader(json.loads(body)))


@cache
def _reader_of(form: Any) -> Reader:  # noqa: ANN401 - a type or what typing makes of one
    if is_dataclass(form):
        return _record(cast(type, form))
    origin, inner = get_origin(form), get_args(form)
    if origin in (Union, UnionType):
        (wanted,) = (it for it in inner if it is not NoneType)
        known = _reader_of(wanted)
        return lambda value: None if value is None else known(value)
    if origin is tuple:
        return _sequence(_reader_of(inner[0]))
    if origin is Mapping:
        return _mapping(_reader_of(inner[1]))
    if isinstance(form, type) and issubclass(form, tuple):
        return _row(form)
    return _READERS[form]


def _record(form: type) -> Reader:
    hints = get_type_hints(form)
    plan = [(it.name, wire_name(it), _reader_of(hints[it.name])) for it in fields(form)]
    optional = {name for name, _, _ in plan if NoneType in get_args(hints[name])}

    def reader(value: Any) -> Any:  # noqa: ANN401
        document = _only(dict, value)
        found = {}
        for name, key, known in plan:
            if key not in document and name not in optional:
                raise ValueError(f"{key} is missing")
            found[name] = _inside(key, known, document.get(key))
        return form(**found)

    return reader


def _sequence(known: Reader) -> Reader:
    return lambda value: tuple(
        _inside(str(place), known, item) for place, item in enumerate(_only(list, value))
    )


def _mapping(known: Reader) -> Reader:
    return lambda value: {
        key: _inside(key, known, item) for key, item in _only(dict, value).items()
    }


def _row(form: type[tuple[Any, ...]]) -> Reader:
    """A NamedTuple of numbers, which is a list on the wire."""
    known = [_reader_of(hint) for hint in get_type_hints(form).values()]

    def reader(value: Any) -> Any:  # noqa: ANN401
        items: Sequence[Any] = _only(list, value)
        return form(*(read_one(item) for read_one, item in zip(known, items, strict=True)))

    return reader


def _inside(key: str, known: Reader, value: Any) -> Any:  # noqa: ANN401
    try:
        return known(value)
    except ValueError as wrong:
        raise ValueError(f"{key}: {wrong}") from None


def _only(kind: type, value: Any) -> Any:  # noqa: ANN401
    """A value of exactly this type: true is no number."""
    if type(value) is not kind:
        raise ValueError(f"{kind.__name__} expected")
    return value


def _number(value: Any) -> float:  # noqa: ANN401
    number = value if type(value) is int else _only(float, value)
    if not abs(number) <= sys.float_info.max:
        raise ValueError("finite number expected")
    return float(number)


_READERS: Mapping[Any, Reader] = {
    float: _number,
    datetime: lambda value: datetime.fromisoformat(_only(str, value)),
    **{kind: partial(_only, kind) for kind in (str, int, bool)},
    Any: lambda value: value,
}
