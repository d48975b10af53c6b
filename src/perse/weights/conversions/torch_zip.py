"""Read the tensors of a PyTorch checkpoint of the format since 1.6, without PyTorch.

The file is a zip archive of a pickle, ``data.pkl``, and of each storage's raw values under
``data/``, not compressed. A pickle is a program; here it can use the few instructions that build
containers, and name things that are each answered by a harmless stand-in of ours, so the file can
build mappings of tensors and nothing else.
"""

from __future__ import annotations

import pickle
import pickletools
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt

Tensors = Mapping[str, NDArray[Any]]

_VERSION: Final = b"3"
_LONGEST_PICKLE_BYTES: Final = 4 << 20
_MOST_MEMORIES: Final = 1 << 20
_TYPES: Final = {"FloatStorage": "<f4", "LongStorage": "<i8"}
_INSTRUCTIONS: Final = frozenset(
    {"PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BINPERSID", "BINPUT", "LONG_BINPUT", "BINGET"}
    | {"LONG_BINGET", "EMPTY_DICT", "SETITEM", "SETITEMS", "BINUNICODE", "NONE", "NEWTRUE"}
    | {"NEWFALSE", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BININT", "BININT1"}
    | {"BININT2", "LONG1"}
)


@dataclass(frozen=True, slots=True)
class _Storage:
    """``kind``: the type of its values, as numpy writes it."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _Pending:
    """A tensor whose values stand in a storage of the archive."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _pending(
    storage: _Storage, offset: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> _Pending:
    return _Pending(storage, offset, tuple(shape), tuple(strides))


_STAND_INS: Final[Mapping[tuple[str, str], object]] = {
    ("collections", "OrderedDict"): dict,
    ("torch._utils", "_rebuild_tensor_v2"): _pending,
    **{("torch", name): kind for name, kind in _TYPES.items()},
}


class _TensorReader(pickle.Unpickler):
    """An unpickler that imports nothing."""

    def find_class(self, module: str, name: str) -> object:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise WeightsCorrupt(
                f"the checkpoint asks for {module}.{name}, which no weight file needs"
            ) from None

    def persistent_load(self, pid: object) -> _Storage:
        match pid:
            case ("storage", str(kind), str(key), _, int(count)) if kind in _TYPES.values():
                return _Storage(kind, key, count)
        raise WeightsCorrupt("the checkpoint holds a storage of another type")


def read_tensors(path: Path) -> Tensors:
    """The tensors of a checkpoint that is one mapping of names to them, float32 and int64.

    Raises WeightsCorrupt for any other file, and for one that asks for anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _tensors(archive)
    except WeightsCorrupt:
        raise
    except Exception as error:  # a broken archive or pickle can raise nearly anything
        raise WeightsCorrupt(f"{path.name} is no checkpoint of the expected kind") from error


def _tensors(archive: zipfile.ZipFile) -> Tensors:
    (program,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    folder = program.removesuffix("data.pkl")
    if _member(archive, f"{folder}version", 16).strip() != _VERSION:
        raise WeightsCorrupt("the checkpoint is of another version")
    root = _read(_member(archive, program, _LONGEST_PICKLE_BYTES))
    return {name: _tensor(pending, archive, folder) for name, pending in root.items()}


def _read(program: bytes) -> Mapping[str, _Pending]:
    for instruction, argument, _ in pickletools.genops(program):
        too_far = instruction.name == "LONG_BINPUT" and int(argument or 0) > _MOST_MEMORIES
        if instruction.name not in _INSTRUCTIONS or too_far:
            raise WeightsCorrupt(f"the checkpoint uses {instruction.name}, which none needs")
    root = _TensorReader(BytesIO(program)).load()
    if not isinstance(root, dict) or not all(
        isinstance(name, str) and isinstance(value, _Pending) for name, value in root.items()
    ):
        raise WeightsCorrupt("the checkpoint is no mapping of names to tensors")
    return root


def _member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most_bytes:
        raise WeightsCorrupt(f"the checkpoint's {name} is compressed or too long")
    return archive.read(entry)


def _tensor(pending: _Pending, archive: zipfile.ZipFile, folder: str) -> NDArray[Any]:
    """The values in row order; only tensors stored in row order are read."""
    storage, shape = pending.storage, pending.shape
    size_bytes = storage.count * np.dtype(storage.kind).itemsize
    content = _member(archive, f"{folder}data/{storage.key}", size_bytes)
    count = int(np.prod(shape, dtype=object))
    row_order = tuple(int(np.prod(shape[i + 1 :], dtype=object)) for i in range(len(shape)))
    values = np.frombuffer(content, storage.kind)[pending.offset : pending.offset + count]
    if pending.strides != row_order or len(values) != count or pending.offset < 0:
        raise WeightsCorrupt("a tensor of the checkpoint is not stored in one piece")
    return values.reshape(shape)
