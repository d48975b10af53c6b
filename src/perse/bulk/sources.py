"""What a source holds: a folder with a folder per person, or a list with who is on which file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from perse.bulk.files import absolute, beside, files_below, is_folder, opened
from perse.bulk.items import Item
from perse.errors import InvalidParameter

_COLUMNS = ("person", "file")
_ROWS_AT_A_TIME = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """``count``: of its items; ``left_out``: files that are none by their ending or place.
    ``items``: each time anew, so that a long list is never held whole."""

    address: str
    count: int
    left_out: int
    items: Callable[[], Iterator[Item]]

    def parts(self, size: int) -> Iterator[list[Item]]:
        """All items, so many at a time."""
        items = self.items()
        while part := list(islice(items, size)):
            yield part


def read_source(given: str, endings: Set[str]) -> Source:
    """Look through ``given``: a folder, or a list that ends in .csv or .parquet; here or at a URL.

    Raises InvalidParameter for what is no such thing, naming the line of a list, and for one that
    holds nothing.
    """
    address = absolute(given)
    if is_folder(address):
        return _folder(address, endings)
    rows = _rows_of(address)
    if rows is None:
        raise InvalidParameter(f"{given} is no folder and no list that ends in .csv or .parquet")
    count = sum(1 for _ in rows(address))
    if not count:
        raise InvalidParameter(f"{given} lists no files")
    return Source(address, count, 0, lambda: rows(address))


def _folder(root: str, endings: Set[str]) -> Source:
    names = [name for name, _ in files_below(root)]
    count = sum(_is_sample(name, endings) for name in names)
    if not count:
        raise InvalidParameter(
            f"{root} holds no folder per person with files ending in {', '.join(sorted(endings))}"
        )

    def items() -> Iterator[Item]:
        for name, address in files_below(root):
            if _is_sample(name, endings):
                yield Item(name.partition("/")[0], name, address)

    return Source(root, count, len(names) - count, items)


def _is_sample(name: str, endings: Set[str]) -> bool:
    return "/" in name and PurePosixPath(name).suffix.lower() in endings


def _rows_of(address: str) -> Callable[[str], Iterator[Item]] | None:
    match PurePosixPath(address).suffix.lower():
        case ".csv":
            return _csv_items
        case ".parquet":
            return _parquet_items
    return None


def _csv_items(listing: str) -> Iterator[Item]:
    try:
        with opened(listing) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            rows = csv.DictReader(text, restkey="", strict=True)
            _check_columns(listing, rows.fieldnames or ())
            for row in rows:
                yield _item(listing, row, f"line {rows.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidParameter(f"{listing} cannot be read as CSV: {error}") from error


def _parquet_items(listing: str) -> Iterator[Item]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise InvalidParameter(
            f"{listing}: Parquet needs the extra perse[cluster]: pip install 'perse[cluster]'"
        ) from None
    number = 0
    try:
        with opened(listing) as file:
            table = parquet.ParquetFile(file)
            _check_columns(listing, table.schema_arrow.names)
            for batch in table.iter_batches(_ROWS_AT_A_TIME, columns=list(_COLUMNS)):
                for row in batch.to_pylist():
                    number += 1
                    yield _item(listing, row, f"row {number}")
    except (OSError, ArrowException) as error:
        raise InvalidParameter(f"{listing} cannot be read as Parquet: {error}") from error


def _check_columns(listing: str, names: Any) -> None:  # noqa: ANN401 - whatever is iterable
    missing = sorted(set(_COLUMNS) - set(names))
    if missing:
        raise InvalidParameter(
            f"{listing} has no column {' and no column '.join(missing)}: it needs person and file"
        )


def _item(listing: str, row: Mapping[str, Any], where: str) -> Item:
    person, file = row["person"], row["file"]
    if not (person and file):
        raise InvalidParameter(f"{listing}, {where}: person and file must both be given")
    return Item(str(person), str(file), beside(listing, str(file)))
