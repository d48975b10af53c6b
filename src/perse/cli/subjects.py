"""``perse subjects``: enrolled people, and what is held about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.api.http.answers import Answer
from perse.api.v1.wire import WireSample, WireSubject, sample_of, wire_subject
from perse.bootstrap.history import opened_subject_export
from perse.bootstrap.storage import open_storage
from perse.bootstrap.subject_commands import opened_deletion
from perse.cli.callers import KeyName, caller_named
from perse.cli.options import AsJson, DataDir
from perse.cli.subject_import import import_subjects
from perse.domain.access import TenantId
from perse.domain.audit import Act, Deed
from perse.domain.references import Modality, parse_user_token
from perse.domain.subjects import (
    CollectionName,
    Subject,
    parse_collection_name,
    parse_external_id,
)
from perse.errors import UserTokenNotFound
from perse.pipelines.subject_ports import SubjectStore
from perse.settings import load_settings

app = typer.Typer(help="Import, list, show and delete enrolled people.", no_args_is_help=True)
app.command("import")(import_subjects)

_PAGE = 1000


class Shown(Answer):
    """A subject with its samples by modality."""

    subject: WireSubject
    samples: dict[str, list[WireSample]]


SubjectName = Annotated[
    str,
    typer.Argument(help="The subject's id, which enrolment gave, or its external id."),
]
Collection = Annotated[str | None, typer.Option(help="Those of this collection only.")]


@app.command("list")
def list_subjects(
    key: KeyName = None,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List the subjects of a tenant, the oldest first."""
    settings = load_settings(data_dir=data_dir)
    caller = caller_named(settings, key)
    within = None if collection is None else parse_collection_name(collection)
    table = Table("id", "external id", "faces", "voices", "collections", "created", box=None)
    table.columns[0].no_wrap = True
    with open_storage(settings) as storage:
        for subject in _every(storage.subjects, caller.tenant_id, within):
            if as_json:
                typer.echo(wire_subject(subject).to_json())
            else:
                table.add_row(*_row(subject))
    if not as_json:
        Console().print(table)


@app.command()
def show(subject: SubjectName, key: KeyName = None, data_dir: DataDir = None) -> None:
    """Print what is known of a subject beside the templates, as JSON."""
    settings = load_settings(data_dir=data_dir)
    caller = caller_named(settings, key)
    with open_storage(settings) as storage:
        found = _find(storage.subjects, caller.tenant_id, subject)
        kept = {
            modality: storage.samples.records(caller.tenant_id, found.user_token, modality)
            for modality in Modality
        }
    samples = {
        modality.value: [WireSample.model_validate(sample_of(record)) for record in records]
        for modality, records in kept.items()
    }
    told = Shown(subject=wire_subject(found), samples=samples)
    typer.echo(told.model_dump_json(exclude_none=True, indent=2))


@app.command()
def delete(
    subject: SubjectName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    key: KeyName = None,
    data_dir: DataDir = None,
) -> None:
    """Destroy a subject with all samples for good; print the receipt on stdout."""
    settings = load_settings(data_dir=data_dir)
    caller = caller_named(settings, key)
    with (
        open_storage(settings) as storage,
        opened_deletion(settings, storage) as destroy,
    ):
        found = _find(storage.subjects, caller.tenant_id, subject)
        if not yes:
            typer.confirm(f"Destroy all that is kept of {subject} for good?", abort=True, err=True)
        with storage.journal.recording(
            Deed(Act.SUBJECT_DELETE, found.user_token, caller.tenant_id)
        ):
            receipt = destroy(caller, found.user_token)
        typer.echo(receipt.jws)


@app.command()
def export(
    user_token: Annotated[str, typer.Argument(help="The token that enrolment gave.")],
    data_dir: DataDir = None,
) -> None:
    """Print everything held about a user as JSON: the template itself, too. Handle with care."""
    settings = load_settings(data_dir=data_dir)
    with (
        open_storage(settings) as storage,
        opened_subject_export(settings, storage) as export_subject,
    ):
        typer.echo(json.dumps(export_subject(parse_user_token(user_token)), indent=2))


def _every(
    subjects: SubjectStore, tenant_id: TenantId, collection: CollectionName | None
) -> Iterator[Subject]:
    """A page at a time, so that a million needs no memory."""
    after = None
    while page := subjects.page(tenant_id, after=after, limit=_PAGE, collection=collection):
        yield from page
        after = page[-1].place


def _find(subjects: SubjectStore, tenant_id: TenantId, name: str) -> Subject:
    """By its id, else by its external id. Raises UserTokenNotFound."""
    with suppress(UserTokenNotFound):
        return subjects.get(tenant_id, parse_user_token(name))
    return subjects.with_external_id(tenant_id, parse_external_id(name))


def _row(subject: Subject) -> tuple[str, ...]:
    return (
        subject.user_token,
        subject.external_id or "",
        str(subject.faces),
        str(subject.voices),
        ", ".join(sorted(subject.collections)),
        f"{subject.created_at:%Y-%m-%d %H:%M}",
    )
