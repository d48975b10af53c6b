"""What the commands of ``perse bulk`` are asked, and how they show how far they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from perse.bootstrap.bulk import Installation, Opened, Terms, assignment, open_elsewhere
from perse.bootstrap.bulk_crews import Hands, opened_crew
from perse.bootstrap.storage import open_storage
from perse.bootstrap.weights import obtain_networks
from perse.bulk.crews import Crew
from perse.bulk.items import Item
from perse.cli.progress import console, weights_progress
from perse.cluster.security import LOCAL
from perse.errors import PerseError
from perse.settings import Settings

GivenSource = Annotated[
    str,
    typer.Argument(
        help="A folder with a folder per person, or a CSV or Parquet list with the columns person "
        "and file; here, or at an address such as s3://bucket/people.",
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        help="Let a Ray cluster work: host:port of its head, or local for one of this machine "
        "alone. [threads of this process]"
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Items at a time. [as many as there are cores]")
]
Collections = Annotated[
    list[str] | None,
    typer.Option(help="Collection that new subjects belong to; may be given several times."),
]
ItemReport = Annotated[
    Path, typer.Option(readable=False, help="What became of each item, a JSON line each.")
]
KindOption = Annotated[
    Literal["face", "voice"], typer.Option(help="Faces of pictures or voices of recordings.")
]
Plaintext = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="Also write the templates to this Parquet file, readable for whoever has it.",
    ),
]


GivenUp = Callable[[Item], Any]


@dataclass(frozen=True, slots=True)
class Means:
    """With whose cores. ``ray``: None = threads of this process."""

    ray: str | None
    workers: int | None

    @contextmanager
    def crew(
        self, installation: Installation, terms: Terms, opened: Opened, given_up: GivenUp
    ) -> Iterator[Crew[Any]]:
        """Raises SetupError, SettingsInvalid, ClusterUnavailable."""
        told = assignment(terms, installation, here=self.ray == LOCAL)
        hands: Hands[Any] = Hands(
            opened(installation, terms), partial(open_elsewhere, opened, told), given_up
        )
        with opened_crew(hands, self.ray, self.workers) as crew:
            yield crew


@contextmanager
def opened_installation(settings: Settings) -> Iterator[Installation]:
    """The networks' files and the database. Raises SetupError."""
    with weights_progress() as progress:
        on_disk = obtain_networks(settings, progress)
    with open_storage(settings) as storage:
        yield Installation(settings, on_disk, storage)


class _Speed(ProgressColumn):
    """Items a second since it began: parts are told of together, so the last ones say little."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed / task.elapsed:.1f}/s" if task.elapsed else "")


@dataclass
class Bar:
    """How far it is, on stderr."""

    progress: Progress
    total: int
    before: int = 0

    def __post_init__(self) -> None:
        self._bar = self.progress.add_task("items", total=self.total)

    def advance(self) -> None:
        self.progress.advance(self._bar)

    def left_out(self, count: int) -> None:
        """So many were done before."""
        self.before += count
        self.progress.update(self._bar, total=self.total - self.before)


@contextmanager
def shown_bar(total: int) -> Iterator[Bar]:
    """Raises PerseError for an interrupt, which says how to go on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
            yield Bar(progress, total)
    except KeyboardInterrupt:
        raise PerseError(
            "interrupted; what was done is kept: run the same command to go on"
        ) from None


def print_refused(item: Item, refused: Any) -> None:  # noqa: ANN401 - any with code and message
    """A JSON line on stdout."""
    typer.echo(json.dumps({"person": item.person, "file": item.name, **asdict(refused)}))


def tell(done: str, counts: Counter[str], *, left_out: int) -> None:
    """How many came to which end, on stderr. ``counts``: of refusals, by code."""
    console.print(done)
    for code, count in counts.most_common():
        console.print(f"{count} refused: {code}", style="red")
    if left_out:
        console.print(f"{left_out} files were left out: no samples by ending or place.")
