"""``perse subjects import``: a folder or a table of pictures and recordings becomes subjects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from perse.bootstrap.shares import usable_cores
from perse.bootstrap.storage import undertaking
from perse.bootstrap.subject_commands import opened_import
from perse.bootstrap.weights import obtain_networks
from perse.cli.callers import KeyName, caller_named
from perse.cli.options import ConsentGiven, DataDir, Pack
from perse.cli.progress import console, weights_progress
from perse.crew import work_through
from perse.domain.audit import Act, Deed
from perse.domain.consent import Declaration
from perse.domain.references import Modality
from perse.domain.subjects import parse_collection_name
from perse.evaluation.sample_files import (
    PICTURES,
    RECORDINGS,
    SampleFile,
    SampleFolder,
    folder_per_person,
    listed_files,
)
from perse.pipelines.import_report import ImportReport
from perse.pipelines.subject_import import FileOfSubject, Imported, Outcome
from perse.settings import load_settings

_REPORT = Path("perse-import.jsonl")
Source = Annotated[
    Path,
    typer.Argument(
        readable=False,
        help="A folder with a folder per person, or a CSV file with the columns person and file. "
        "The person becomes the external id.",
    ),
]
Collections = Annotated[
    list[str] | None,
    typer.Option(help="Collection that new subjects belong to; may be given several times."),
]
Report = Annotated[
    Path, typer.Option(readable=False, help="What became of each file, a JSON line each.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Files at a time. [as many as there are cores]")
]


def import_subjects(
    source: Source,
    key: KeyName = None,
    collection: Collections = None,
    consent_given: ConsentGiven = False,
    report: Report = _REPORT,
    workers: Workers = None,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Make subjects of many pictures and recordings, also while servers run.

    Run it again with the same report to go on where it ended: what became a sample of the same
    tenant from the same place is not done again, what was refused is tried again. Exit status 1
    when a file was refused.
    """
    settings = load_settings(data_dir=data_dir, pack=pack)
    names = frozenset(map(parse_collection_name, collection or ()))
    found = _found(source)
    files = list(map(_file_of, found.files))
    caller = caller_named(settings, key)
    declaration = Declaration.GIVEN if consent_given else Declaration.ABSENT
    with weights_progress() as progress:
        on_disk = obtain_networks(settings, progress)
    noting = ImportReport(report, caller.tenant_id, source.resolve())
    details: dict[str, str | int] = {"key_id": caller.key_id, "consent": str(declaration)}
    deed = Deed(Act.SUBJECTS_IMPORT, f"{len(files)} files", caller.tenant_id, details)
    with (
        undertaking(settings, deed) as became,
        noting as noted,
        opened_import(settings, on_disk, names) as import_file,
    ):
        left = [file for file in files if not noted.knows(file)]
        counts = _import(
            left, lambda file: import_file(caller, file, declaration), noted, workers, became
        )
    _tell(counts, before=len(files) - len(left), left_out=len(found.left_out), report=report)
    raise typer.Exit(1 if any(filter(None, counts)) else 0)


def _found(source: Path) -> SampleFolder:
    if source.is_dir():
        return folder_per_person(source, PICTURES | RECORDINGS)
    return listed_files(source)


def _file_of(sample: SampleFile) -> FileOfSubject:
    recording = sample.path.suffix.lower() in RECORDINGS
    modality = Modality.VOICE if recording else Modality.FACE
    return FileOfSubject(sample.person, sample.name, modality, sample.path.read_bytes)


def _import(
    files: Sequence[FileOfSubject],
    work: Callable[[FileOfSubject], Outcome],
    report: ImportReport,
    workers: int | None,
    became: Counter[str],
) -> Counter[str]:
    """How many files came to which end: by the code of a refusal, "" = a sample. ``became`` is told
    of each as it ends."""
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("files", total=len(files))
        done = work_through(files, work, workers=workers or usable_cores(), name="perse-import")
        for number, outcome in done:
            report.note(files[number], outcome)
            counts["" if isinstance(outcome, Imported) else outcome.code] += 1
            became["samples" if isinstance(outcome, Imported) else "refused"] += 1
            progress.advance(bar)
    return counts


def _tell(counts: Counter[str], *, before: int, left_out: int, report: Path) -> None:
    again = f", {before} had become samples before" if before else ""
    console.print(f"{counts[''] or 'no'} files became samples{again}.")
    for code, count in counts.most_common():
        if code:
            console.print(f"{count} refused: {code}", style="red")
    if left_out:
        console.print(f"{left_out} files were left out: no samples by their ending or place.")
    console.print(f"Each file stands in {report}.")
