"""The command line: ``perse``."""

from __future__ import annotations

import sys

from perse.cli.application import app
from perse.errors import PerseError

__all__ = ["main"]


def main() -> None:
    """Run the command line; an error perse foresees is one sentence on stderr and exit status 1."""
    try:
        app()
    except PerseError as error:
        sys.stderr.write(f"perse: {error.message}\n")
        sys.exit(1)
