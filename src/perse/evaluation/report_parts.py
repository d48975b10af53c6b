"""Pieces of the report's page, drawn by templates that escape whatever comes from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from perse.evaluation.results import Failure, Provenance
from perse.evaluation.wording import networks

_TEMPLATES = Environment(
    loader=PackageLoader(__package__, "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_NOTHING = Markup()


def page(title: str, provenance: Provenance, sections: Iterable[Markup]) -> str:
    """One self-contained HTML document."""
    subtitle = (
        f"{provenance.source} · pack {provenance.pack}: {networks(provenance.networks)} · "
        f"perse {provenance.version} · {provenance.at}"
    )
    template = _TEMPLATES.get_template("report_page.html")
    return template.render(title=title, subtitle=subtitle, sections=filter(None, sections))


def section(heading: str, *parts: Markup) -> Markup:
    """Empty when all parts are."""
    content = [part for part in parts if part]
    return _part("section", heading, content) if content else _NOTHING


def cards(facts: Iterable[tuple[str, str, str]]) -> Markup:
    """``facts``: name, figure, and a smaller line below."""
    return _part("cards", facts)


def figure(drawing: str) -> Markup:
    """``drawing``: SVG text of our own; empty without it."""
    return _part("figure", drawing, "") if drawing else _NOTHING


def plots(drawings: Iterable[tuple[str, str]]) -> Markup:
    """``drawings``: SVG text of our own and a caption."""
    return _part("plots", drawings)


def paragraph(text: str, *, soft: bool = False) -> Markup:
    """One paragraph of text."""
    return _part("paragraph", text, soft) if text else _NOTHING


def table(headings: Sequence[str], rows: Iterable[Markup]) -> Markup:
    """``rows``: from ``row`` or ``refused_row``; empty without rows."""
    shown = list(rows)
    return _part("table", headings, shown) if shown else _NOTHING


def row(cells: Iterable[str], *, served: bool = False, file_columns: int = 0) -> Markup:
    """The last ``file_columns`` cells are file names."""
    return _part("row", list(cells), served, file_columns)


def refused_row(name: str, reason: str, columns: int) -> Markup:
    """A row that says why there are no figures."""
    return _part("refused_row", name, reason, columns)


def failures_table(failures: Iterable[Failure]) -> Markup:
    """Files that could not be used."""
    return table(
        ("reason", "file"),
        (row((failure.code, failure.file), file_columns=1) for failure in failures),
    )


def _part(name: str, *values: object) -> Markup:
    macros: Any = _TEMPLATES.get_template("report_parts.html").module
    drawn: Markup = getattr(macros, name)(*values)
    return drawn.strip()
