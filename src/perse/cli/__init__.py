"""The command line: ``perse``."""

from __future__ import annotations

import os
import sys

from perse.cli.application import app
from perse.errors import PerseError
from perse.failures import sentence

__all__ = ["main"]

_STDOUT = 1


def main() -> None:
    """Run the command line. Whatever it writes is for its user alone, whatever umask was set.

    An error perse foresees, and whatever the system refuses, is one sentence on stderr and exit
    status 1. A reader of stdout who leaves early is no news to anybody: only the status tells.
    """
    os.umask(0o077)
    try:
        _run()
    except BrokenPipeError:
        _give_up_output()
    except PerseError as error:
        sys.stderr.write(f"perse: {sentence(error)}\n")
    except OSError as error:
        _give_up_output()
        sys.stderr.write(f"perse: {sentence(error)}\n")
    sys.exit(1)


def _run() -> None:
    """What is still to be written is written here, where a full disk can be told."""
    try:
        app()
    except SystemExit:
        if sys.stdout is not None:
            sys.stdout.flush()
        raise


def _give_up_output() -> None:
    """So that the interpreter does not try again, and complain, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
