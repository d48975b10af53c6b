"""What went wrong, to whoever runs perse: one sentence, and what to do about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from perse.errors import PerseError

_OWNER: Final = "check who owns it and its folder and their modes, or choose another place"
_NOT_A_FOLDER: Final = "a file stands where a folder is needed: choose another place"
_FULL: Final = "the disk is full: make room"
_ADVICE: Final[Mapping[int, str]] = {
    errno.ENOENT: "check the name",
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.EROFS: "its file system is read-only: choose another place",
    errno.ENOTDIR: _NOT_A_FOLDER,
    errno.EEXIST: _NOT_A_FOLDER,
    errno.EISDIR: "a file is needed, and this is a folder",
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its links lead in a circle: correct them",
}


def sentence(error: PerseError | OSError) -> str:
    """What went wrong and what to do, without a line end."""
    return error.message if isinstance(error, PerseError) else _of_the_system(error)


def _of_the_system(error: OSError) -> str:
    if error.errno == errno.ENOENT and not _is_somewhere():
        return "the current folder is gone: change to one that is there"
    reason = error.strerror or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "correct that and try again")
    return f"{_place(error)} ({reason}): {advice}"


def _place(error: OSError) -> str:
    """An open file has no name that the system would tell."""
    if isinstance(error.filename, str | bytes):
        return f"{os.fsdecode(error.filename)} cannot be used"
    return "writing failed"


def _is_somewhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True
