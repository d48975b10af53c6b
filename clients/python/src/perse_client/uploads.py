"""What may be sent as a file, and how: piece by piece, never whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

Upload = Path | bytes | BinaryIO
Part = tuple[str, Any, str]

# A file is known by its field and its bytes; what it is called at home is nobody's business.
_NAME, _TYPE = "file", "application/octet-stream"


def checked(upload: Upload) -> Upload:
    """The same. Raises TypeError for what is no file, text above all: it could be a path or an
    address that a stranger chose."""
    if isinstance(upload, Path | bytes) or callable(getattr(upload, "read", None)):
        return upload
    raise TypeError("a file is a pathlib.Path, bytes, or an object opened for reading bytes")


def is_repeatable(upload: Upload) -> bool:
    """Whether it can be sent a second time."""
    return isinstance(upload, Path | bytes) or _is_seekable(upload)


@contextmanager
def opened(files: Mapping[str, Upload]) -> Iterator[dict[str, Part]]:
    """The parts of a form. A file object is sent from its beginning, where it has one."""
    with ExitStack() as stack:
        yield {name: (_NAME, _content(upload, stack), _TYPE) for name, upload in files.items()}


def _content(upload: Upload, stack: ExitStack) -> object:
    if isinstance(upload, Path):
        return stack.enter_context(upload.open("rb"))
    if isinstance(upload, bytes) or _is_seekable(upload):
        return upload
    return _Flow(upload)


def _is_seekable(file: BinaryIO) -> bool:
    return bool(getattr(file, "seekable", lambda: False)())


class _Flow:
    """A file whose length nobody knows before its end, such as a pipe: the form goes in chunks."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
