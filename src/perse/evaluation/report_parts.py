"""Pieces of the report's page. Everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

from perse.evaluation.results import Failure, Provenance
from perse.evaluation.wording import networks


def page(title: str, provenance: Provenance, sections: Iterable[str]) -> str:
    """One self-contained HTML document."""
    template = Template((files(__package__) / "report_page.html").read_text(encoding="utf-8"))
    subtitle = (
        f"{provenance.source} · pack {provenance.pack}: {networks(provenance.networks)} · "
        f"perse {provenance.version} · {provenance.at}"
    )
    return template.substitute(
        title=escape(title), subtitle=escape(subtitle), body="\n".join(filter(None, sections))
    )


def section(heading: str, *parts: str) -> str:
    """Empty when all parts are."""
    content = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{escape(heading)}</h2>\n{content}\n</section>" if content else ""


def cards(facts: Iterable[tuple[str, str, str]]) -> str:
    """``facts``: name, figure, and a smaller line below."""
    shown = "".join(
        f'<div class="card"><span>{escape(name)}</span><b>{escape(figure)}</b>'
        f"<span>{escape(below)}</span></div>"
        for name, figure, below in facts
    )
    return f'<div class="cards">{shown}</div>'


def plots(drawings: Iterable[tuple[str, str]]) -> str:
    """``drawings``: SVG text and a caption."""
    shown = "".join(
        f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
        for svg, caption in drawings
    )
    return f'<div class="plots">{shown}</div>' if shown else ""


def paragraph(text: str, *, soft: bool = False) -> str:
    """One paragraph of text."""
    return f"<p{' class=soft' if soft else ''}>{escape(text)}</p>" if text else ""


def table(headings: Sequence[str], rows: Iterable[str]) -> str:
    """``rows``: from ``row`` or ``refused_row``; empty without rows."""
    body = "".join(rows)
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def row(cells: Iterable[str], *, served: bool = False, file_columns: int = 0) -> str:
    """The last ``file_columns`` cells are file names."""
    texts = [escape(cell) for cell in cells]
    names = len(texts) - file_columns
    shown = "".join(
        f"<td{' class=file' if number >= names else ''}>{text}</td>"
        for number, text in enumerate(texts)
    )
    return f"<tr{' class=served' if served else ''}>{shown}</tr>"


def refused_row(name: str, reason: str, columns: int) -> str:
    """A row that says why there are no figures."""
    told = f"<td class=refused colspan={columns - 1}>not told: {escape(reason)}</td>"
    return f"<tr><td>{escape(name)}</td>{told}</tr>"


def failures_table(failures: Iterable[Failure]) -> str:
    """Files that could not be used."""
    return table(
        ("reason", "file"),
        (row((failure.code, failure.file), file_columns=1) for failure in failures),
    )
