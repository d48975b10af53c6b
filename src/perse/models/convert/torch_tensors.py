"""Read the tensors of a PyTorch checkpoint of the format before 1.6, without PyTorch.

The file is a row of pickles (a magic number, a version, facts about the writing machine, the
object itself, the list of its storages) followed by each storage: an int64 count and the raw
values. A pickle is a program; here it can name three things only, and each of them is answered by
a harmless stand-in of ours, so the file can build containers and tensors and nothing else.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_MOST_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class _Pending:
    """A tensor whose values stand further back in the file: storage, offset, shape, strides."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Dictionary(dict[Any, Any]):
    """Stands in for OrderedDict; takes the attributes that a pickle may set and forgets them."""

    def __setstate__(self, state: object) -> None:
        """Nothing of it is needed."""


class _FloatStorage:
    """The only storage type read: float32, little endian."""


def _pending(
    storage: str, offset: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> _Pending:
    return _Pending(storage, offset, tuple(shape), tuple(strides))


_STAND_INS: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): _Dictionary,
    ("torch", "FloatStorage"): _FloatStorage,
    ("torch._utils", "_rebuild_tensor_v2"): _pending,
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

    def persistent_load(self, pid: object) -> str:
        match pid:
            case ("storage", kind, str(key), *_) if kind is _FloatStorage:
                return key
        raise WeightsCorrupt("the checkpoint holds a storage that is not float32")


def read_tensors(path: Path, key: str) -> dict[str, NDArray[np.float32]]:
    """The tensors of the mapping ``key`` of a checkpoint, float32 by name.

    Raises WeightsCorrupt for any other file, and for one that asks for anything else.
    """
    with path.open("rb") as file:
        try:
            root = _read_object(file)
            storages = dict(_read_storages(file))
            pending = cast("Mapping[str, _Pending]", root[key])
            return {name: _tensor(p, storages) for name, p in pending.items()}
        except WeightsCorrupt:
            raise
        except Exception as error:  # a broken pickle can raise nearly anything
            raise WeightsCorrupt(f"{path} is no checkpoint of the expected kind") from error


def _read_object(file: BinaryIO) -> Mapping[str, object]:
    if _TensorReader(file).load() != _MAGIC or _TensorReader(file).load() != _VERSION:
        raise WeightsCorrupt("not a PyTorch checkpoint of the format before 1.6")
    _TensorReader(file).load()  # sizes of C types on the machine that wrote it
    root = _TensorReader(file).load()
    if not isinstance(root, dict):
        raise WeightsCorrupt("the checkpoint is not a mapping")
    return root


def _read_storages(file: BinaryIO) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for key in _TensorReader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        values = np.frombuffer(file.read(4 * count), dtype="<f4")
        if count < 0 or len(values) != count:
            raise WeightsCorrupt("the checkpoint ends in the middle of a storage")
        yield key, values


def _tensor(pending: _Pending, storages: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The values in row order; only tensors stored in row order are read."""
    count = int(np.prod(pending.shape, dtype=np.int64))
    row_order = tuple(
        int(np.prod(pending.shape[i + 1 :], dtype=np.int64)) for i in range(len(pending.shape))
    )
    values = storages[pending.storage][pending.offset : pending.offset + count]
    if pending.strides != row_order or len(values) != count or pending.offset < 0:
        raise WeightsCorrupt("a tensor of the checkpoint is not stored in one piece")
    return values.reshape(pending.shape).astype(np.float32)
