"""Options that several commands share, and the settings they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# A path that may not be read is told by whoever opens it, in a sentence, and not by the parser.
DataDir = Annotated[
    Path | None,
    typer.Option(
        readable=False, help="Folder of weights, keys and the database. [PERSE_DATA_DIR, else data]"
    ),
]
Pack = Annotated[
    str | None,
    typer.Option(
        help="Networks to use: auto (standard), standard, compact. [PERSE_PACK, else auto]"
    ),
]
Offline = Annotated[
    bool | None, typer.Option("--offline", help="Never touch the network. [PERSE_OFFLINE]")
]
ConsentGiven = Annotated[
    bool,
    typer.Option("--consent-given", help="Declare that these people consent; noted in the ledger."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
