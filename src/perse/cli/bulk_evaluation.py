"""``perse bulk evaluate``: the report of ``perse evaluate``, its templates made by many workers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from perse.bootstrap.bulk import Installation, Terms
from perse.bootstrap.bulk_embedding import Embedded, embedding, not_embedded, outcomes_of
from perse.bootstrap.evaluation import Evaluated, evaluated
from perse.bulk.items import Item
from perse.bulk.progress import go_through
from perse.bulk.sources import Source, read_source
from perse.cli.bulk_options import (
    GivenSource,
    KindOption,
    Means,
    Ray,
    Workers,
    opened_installation,
    shown_bar,
)
from perse.cli.callers import KeyName, caller_named
from perse.cli.evaluate import (
    FmrOption,
    Groups,
    PrintJson,
    Report,
    Root,
    check_report,
    tell_comparison,
)
from perse.cli.evaluation import ComparedFiles, Inquiry, compared_trials, rate, samples_of
from perse.cli.options import DataDir, Pack
from perse.evaluation.acquisition import Failed, Outcome
from perse.evaluation.sample_files import PICTURES, RECORDINGS, SampleFile
from perse.evaluation.samples import compare_all_samples
from perse.evaluation.trial_lists import read_trials
from perse.settings import load_settings

_LISTS = (".csv", ".parquet")


def evaluate(  # noqa: PLR0913, PLR0917 - options are parameters
    source: GivenSource,
    kind: KindOption = "face",
    root: Root = None,
    groups: Groups = None,
    fmr: FmrOption = None,
    report: Report = None,
    as_json: PrintJson = False,
    ray: Ray = None,
    workers: Workers = None,
    key: KeyName = None,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Compare faces or voices as perse evaluate does, their templates made by many workers.

    The report is the same to the bit. Templates are kept sealed in the database, so that an
    interrupted run goes on; bulk forget destroys them. SOURCE may be a list of pairs, too.
    """
    settings = load_settings(data_dir=data_dir, pack=pack)
    check_report(report, settings)
    inquiry = Inquiry(Path(source), root, groups, fmr)
    terms = Terms(caller_named(settings, key))
    with opened_installation(settings) as installation:
        pipeline = evaluated(kind, settings, installation.on_disk)
        run = _Run(installation, terms, pipeline, Means(ray, workers))
        result, curves = rate(_compared(source, inquiry, run), inquiry, pipeline)
    tell_comparison(result, curves, report, as_json=as_json)


class _Run:
    """Outcomes of items, by many workers."""

    def __init__(
        self, installation: Installation, terms: Terms, pipeline: Evaluated, means: Means
    ) -> None:
        self.installation, self.terms, self.pipeline = installation, terms, pipeline
        self.means = means

    def outcomes(self, items: Sequence[Item]) -> list[Outcome]:
        """One for each, in order."""
        source = Source("", len(items), 0, lambda: iter(items))
        opened: Any = partial(embedding, self.pipeline.kind)
        made: dict[Item, Embedded | Failed] = {}
        with (
            self.means.crew(self.installation, self.terms, opened, not_embedded) as crew,
            shown_bar(len(items)) as bar,
        ):
            for item, result in go_through(source, crew, list, bar.left_out):
                made[item] = result
                bar.advance()
        kept = outcomes_of(self.installation, self.terms, self.pipeline)
        return list(kept.of(made[item] for item in items))


def _compared(source: str, inquiry: Inquiry, run: _Run) -> ComparedFiles:
    if inquiry.source.is_file() and inquiry.source.suffix.lower() not in _LISTS:
        listed = read_trials(inquiry.source, inquiry.root or inquiry.source.parent)
        items = [Item(it.person, it.name, str(it.path.absolute())) for it in listed.files]
        return compared_trials(listed, run.outcomes(items), run.pipeline)
    found = read_source(source, RECORDINGS if run.pipeline.kind == "voice" else PICTURES)
    items = list(found.items())
    files = [SampleFile(Path(it.address), it.name, it.person) for it in items]
    samples = samples_of(files, run.outcomes(items), run.pipeline)
    return compare_all_samples(samples), found.left_out, ()
