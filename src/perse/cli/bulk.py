"""``perse bulk``: go through many pictures and recordings with many workers."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import typer

from perse.bootstrap.bulk import Installation, Terms
from perse.bootstrap.bulk_embedding import Embedded, embedding, not_embedded, outcomes_of
from perse.bootstrap.bulk_enrolment import enrolling, file_of, given_up, not_yet_enrolled
from perse.bootstrap.bulk_moving import moving, no_previous
from perse.bootstrap.evaluation import evaluated
from perse.bootstrap.storage import open_storage
from perse.bulk.items import Item
from perse.bulk.progress import go_through
from perse.bulk.sources import read_source
from perse.bulk.template_table import TemplateRow, check_arrow, write_templates
from perse.cli.bulk_evaluation import evaluate
from perse.cli.bulk_options import (
    Collections,
    GivenSource,
    ItemReport,
    KindOption,
    Means,
    Plaintext,
    Ray,
    Workers,
    opened_installation,
    print_refused,
    shown_bar,
    tell,
)
from perse.cli.callers import KeyName, caller_named
from perse.cli.options import ConsentGiven, DataDir, Pack
from perse.domain.audit import Act, Deed
from perse.domain.consent import Declaration
from perse.domain.subjects import parse_collection_name
from perse.evaluation.acquisition import Acquired, Failed
from perse.evaluation.local_points import Kind
from perse.evaluation.sample_files import PICTURES, RECORDINGS
from perse.pipelines.file_moving import Moved
from perse.pipelines.import_report import ImportReport
from perse.pipelines.subject_import import Imported
from perse.settings import load_settings

app = typer.Typer(
    help="Go through many pictures and recordings, with this machine's cores or a cluster's.",
    no_args_is_help=True,
)
app.command()(evaluate)

_REPORT = Path("perse-bulk.jsonl")


@app.command()
def enrol(  # noqa: PLR0913, PLR0917 - options are parameters
    source: GivenSource,
    ray: Ray = None,
    workers: Workers = None,
    key: KeyName = None,
    collection: Collections = None,
    consent_given: ConsentGiven = False,
    report: ItemReport = _REPORT,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Make subjects of what a source holds, as subjects import does, each item once and for good.

    Run it again to go on where it ended, whatever ended it. What was refused is tried again. Exit
    status 1 when an item was refused.
    """
    settings = load_settings(data_dir=data_dir, pack=pack)
    names = frozenset(map(parse_collection_name, collection or ()))
    found = read_source(source, PICTURES | RECORDINGS)
    terms = Terms(caller_named(settings, key), _declared(consent_given), names)
    caller, counts = terms.caller, Counter[str]()
    with (
        ImportReport(report, caller.tenant_id, found.address) as noted,
        opened_installation(settings) as installation,
        installation.storage.journal.undertaking(_deed(Act.BULK_ENROL, found.count, terms)) as told,
        Means(ray, workers).crew(installation, terms, enrolling, given_up) as crew,
        shown_bar(found.count) as bar,
    ):
        undone = partial(not_yet_enrolled, installation.storage, caller)
        for item, outcome in go_through(found, crew, undone, bar.left_out):
            noted.note(file_of(item), outcome)
            counts["" if isinstance(outcome, Imported) else outcome.code] += 1
            told["samples" if isinstance(outcome, Imported) else "refused"] += 1
            bar.advance()
    again = f", {bar.before} had become samples before" if bar.before else ""
    done = f"{counts.pop('', 'no')} items became samples{again}. Each stands in {report}."
    tell(done, counts, left_out=found.left_out)
    raise typer.Exit(1 if counts else 0)


@app.command()
def embed(
    source: GivenSource,
    kind: KindOption = "face",
    plaintext: Plaintext = None,
    ray: Ray = None,
    workers: Workers = None,
    key: KeyName = None,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Make templates of what a source holds and keep them sealed in the database.

    bulk evaluate finds them there. What gave no template is a JSON line on stdout, and exit status
    1. With --plaintext they are also written to a file that opens without a key.
    """
    if plaintext:
        check_arrow()
    settings = load_settings(data_dir=data_dir, pack=pack)
    found = read_source(source, RECORDINGS if kind == "voice" else PICTURES)
    terms, counts, templates = Terms(caller_named(settings, key)), Counter[str](), 0
    to_write: list[tuple[Item, str]] = []
    with opened_installation(settings) as installation:
        means, opened = Means(ray, workers), partial(embedding, kind)
        with (
            means.crew(installation, terms, opened, not_embedded) as crew,
            shown_bar(found.count) as bar,
        ):
            for item, result in go_through(found, crew, list, bar.left_out):
                if isinstance(result, Failed):
                    print_refused(item, result)
                    counts[result.code] += 1
                else:
                    templates += 1
                    if plaintext:
                        to_write.append((item, result.digest))
                bar.advance()
        if plaintext:
            _write(plaintext, kind, to_write, installation, terms)
    tell(f"{templates or 'no'} templates.", counts, left_out=found.left_out)
    raise typer.Exit(1 if counts else 0)


@app.command()
def move(
    source: GivenSource,
    ray: Ray = None,
    workers: Workers = None,
    key: KeyName = None,
    consent_given: ConsentGiven = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Move people of the previous pack's network to the pack in use, by pictures of them.

    A picture that the previous network surely recognises as the person it is said to show (by
    external id or user token), live and good, takes the place of that face's template. What moves
    nobody is a JSON line on stdout, and exit status 1.
    """
    settings = load_settings(data_dir=data_dir, pack=pack)
    found = read_source(source, PICTURES)
    terms = Terms(caller_named(settings, key), _declared(consent_given))
    counts, deed = Counter[str](), _deed(Act.BULK_MOVE, found.count, terms)
    with opened_installation(settings) as installation:
        if installation.on_disk.previous is None:
            raise no_previous()
        with (
            installation.storage.journal.undertaking(deed) as told,
            Means(ray, workers).crew(installation, terms, moving, given_up) as crew,
            shown_bar(found.count) as bar,
        ):
            for item, outcome in go_through(found, crew, list, bar.left_out):
                if isinstance(outcome, Moved):
                    told["moved"] += outcome.anew
                else:
                    told["refused"] += 1
                    print_refused(item, outcome)
                    counts[outcome.code] += 1
                bar.advance()
    left = found.count - told["moved"] - told["refused"]
    done = f"{told['moved'] or 'no'} faces moved; {left} items had nothing left to move."
    tell(done, counts, left_out=found.left_out)
    raise typer.Exit(1 if counts else 0)


@app.command()
def forget(key: KeyName = None, data_dir: DataDir = None) -> None:
    """Destroy the sealed templates that embed and evaluate keep of a tenant."""
    settings = load_settings(data_dir=data_dir)
    caller = caller_named(settings, key)
    deed = Deed(Act.BULK_FORGET, "", caller.tenant_id, {"key_id": caller.key_id})
    with open_storage(settings) as storage, storage.journal.undertaking(deed) as told:
        count = told["destroyed"] = storage.bulk.forget(caller.tenant_id)
    typer.echo(f"{count:,} sealed outcomes destroyed", err=True)


def _declared(consent_given: bool) -> Declaration:
    return Declaration.GIVEN if consent_given else Declaration.ABSENT


def _deed(act: Act, count: int, terms: Terms) -> Deed:
    details = {"key_id": terms.caller.key_id, "consent": str(terms.declaration)}
    return Deed(act, f"{count} items", terms.caller.tenant_id, details)


def _write(
    path: Path,
    kind: Kind,
    made: list[tuple[Item, str]],
    installation: Installation,
    terms: Terms,
) -> None:
    pipeline = evaluated(kind, installation.settings, installation.on_disk)
    kept, network = outcomes_of(installation, terms, pipeline), pipeline.network
    outcomes = kept.of(Embedded(digest) for _, digest in made)
    found = zip((item for item, _ in made), outcomes, strict=True)
    deed = _deed(Act.BULK_PLAINTEXT, len(made), terms)
    with installation.storage.journal.undertaking(deed):
        write_templates(
            path,
            (
                TemplateRow(item, network, outcome.vector)
                for item, outcome in found
                if isinstance(outcome, Acquired)
            ),
        )
