"""Comparisons and verdicts in the terminal, of faces and voices alike."""

from __future__ import annotations

from collections.abc import Mapping

import typer
from rich.console import Console
from rich.table import Table

from perse.domain.faces import FaceComparison
from perse.domain.verdicts import Verdict
from perse.domain.voices import VoiceComparison


def show_match(
    comparison: FaceComparison | VoiceComparison, *, threshold: float, role: str
) -> None:
    """Whether it is one person, and what the network of that role said."""
    matched = comparison.similarity >= threshold
    beyond = "" if comparison.supported else " (beyond what the measurements support)"
    typer.echo(
        f"{'match' if matched else 'no match'}: similarity {comparison.similarity:.3f}{beyond}, "
        f"threshold {threshold:.3f}"
    )
    typer.echo(f"cosine {comparison.cosine:.3f} by {comparison.models[role]}")


def show_verdicts(verdicts: Mapping[str, Verdict], *, value: str) -> None:
    """``value``: how values are written, such as ``.3f``."""
    table = Table("", "value", "good", "", box=None, padding=(0, 2, 0, 4))
    for measure, verdict in verdicts.items():
        sign = ">=" if verdict.higher_is_better else "<"
        mark = "[green]ok[/]" if verdict.passed else f"[red]{verdict.guidance}[/]"
        table.add_row(measure, format(verdict.value, value), f"{sign} {verdict.threshold:g}", mark)
    Console().print(table)
