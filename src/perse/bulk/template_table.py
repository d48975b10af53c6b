"""Templates in a Parquet file, in plaintext: only where somebody asked for just that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perse.bulk.items import Item
from perse.errors import InvalidParameter
from perse.files import settle

_ROWS_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """``template``: a unit vector. ``network``: who made it; templates of two do not compare."""

    item: Item
    network: str
    template: NDArray[np.float32]


def write_templates(path: Path, rows: Iterable[TemplateRow]) -> None:
    """Columns ``person``, ``file``, ``network`` and ``template``; mode 0600. The file is there
    whole or not at all. Raises InvalidParameter without pyarrow, OSError."""
    pa, parquet = _arrow()
    schema = pa.schema(
        [
            ("person", pa.string()),
            ("file", pa.string()),
            ("network", pa.string()),
            ("template", pa.list_(pa.float32())),
        ]
    )
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with parquet.ParquetWriter(part, schema) as writer:
            for columns in _columns(iter(rows)):
                writer.write_table(pa.table(columns, schema=schema))
        settle(part, path)
    finally:
        part.unlink(missing_ok=True)


def check_arrow() -> None:
    """Before hours of work rather than after them. Raises InvalidParameter without pyarrow."""
    _arrow()


def _columns(rows: Iterator[TemplateRow]) -> Iterator[dict[str, list[object]]]:
    while some := list(islice(rows, _ROWS_AT_A_TIME)):
        yield {
            "person": [row.item.person for row in some],
            "file": [row.item.name for row in some],
            "network": [row.network for row in some],
            "template": [row.template for row in some],
        }


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - an optional extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise InvalidParameter(
            "--plaintext writes Parquet, which needs the extra perse[cluster]: pip install "
            "'perse[cluster]'"
        ) from None
    return pyarrow, parquet
