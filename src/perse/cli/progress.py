"""Progress of long work, on stderr so that stdout stays for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from perse.weights.files import Progress as Listener

console = Console(stderr=True)


@contextmanager
def weights_progress() -> Iterator[Listener]:
    """A listener that draws one bar per file; nothing is drawn when nothing is fetched."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        bars: dict[str, TaskID] = {}

        def show(done_bytes: int, total_bytes: int, name: str) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total_bytes)
            progress.update(bars[name], completed=done_bytes, total=total_bytes)

        yield show
