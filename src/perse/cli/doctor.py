"""``perse doctor``: what works here, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

import perse
from perse.bootstrap.deployment import examine_deployment
from perse.bootstrap.examination import State, examine
from perse.cli.options import DataDir, Pack
from perse.settings import Settings, load_settings

_MARKS: Mapping[State, str] = {
    State.OK: "[green]ok  [/]",
    State.WARNING: "[yellow]note[/]",
    State.FAILED: "[red]FAIL[/]",
}


Deep = Annotated[
    bool,
    typer.Option(
        "--deep", help="Also whether this server fits the others: clock, keys, schema, networks."
    ),
]
Servers = Annotated[
    list[str] | None,
    typer.Option("--server", help="With --deep: address of another server, several times."),
]


def doctor(
    data_dir: DataDir = None, pack: Pack = None, deep: Deep = False, server: Servers = None
) -> None:
    """Check this installation; nothing is fetched or changed. Exit status 1 if anything fails."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    console = Console()
    console.print(
        f"perse {perse.__version__}, Python {platform.python_version()} on "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores\n"
    )
    findings = list(examine(settings))
    if deep or server:
        findings += examine_deployment(settings, server or ())
    for finding in findings:
        console.print(f"{_MARKS[finding.state]} {finding.subject}: {finding.text}", soft_wrap=True)
    console.print("\nEffective settings:")
    for name, value in _shown(settings):
        console.print(f"  PERSE_{name.upper()} = {value}", soft_wrap=True, markup=False)
    if any(finding.state is State.FAILED for finding in findings):
        sys.exit(1)


def _shown(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, value in settings:
        yield name, "********" if isinstance(value, SecretStr) else str(value)
