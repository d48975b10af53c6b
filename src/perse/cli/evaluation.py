"""What ``perse evaluate`` and ``perse calibrate`` do alike: files to samples to error rates."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from perse.bootstrap.evaluation import Evaluated, evaluated
from perse.bootstrap.weights import obtain_networks
from perse.cli.progress import console, weights_progress
from perse.errors import PerseError
from perse.evaluation.acquisition import AcquireAll, Outcome
from perse.evaluation.comparison_rates import (
    Curves,
    Question,
    rate_comparisons,
)
from perse.evaluation.groups import Group, read_groups
from perse.evaluation.identification_rates import SearchQuestion, rate_searches
from perse.evaluation.liveness_rates import PadQuestion, PadScores, rate_liveness
from perse.evaluation.local_points import Kind
from perse.evaluation.presentations import read_presentations
from perse.evaluation.results import ComparisonResult, LivenessResult
from perse.evaluation.sample_cache import SampleCache
from perse.evaluation.sample_files import PICTURES, RECORDINGS, SampleFile, folder_per_person
from perse.evaluation.samples import Compared, Samples, compare_all_samples, compare_trials
from perse.evaluation.search_results import IdentificationResult
from perse.evaluation.searches import Searches
from perse.evaluation.treated_rates import rate_treated
from perse.evaluation.trial_lists import TrialList, read_trials
from perse.settings import Settings

_GUESSED_PEOPLE = (
    "Who is who was not said, only which pairs are of one person: files that mated pairs connect "
    "were taken for one person, so intervals may be too narrow."
)
_FILES_AS_PEOPLE = (
    "Some pictures stand in no person's folder, so each counts as a person of its own: if people "
    "are on several of them, intervals are too narrow."
)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the user asked for. ``root``: where names in a list of pairs start; None = its folder.
    ``rate``: FMR, BPCER of liveness or FPIR of searches, to aim at; None = what the server aims
    at. ``cautious``: keep it in 95 of 100 resamplings of the people. ``treat``: names of treatments
    and folders of treated copies, to be rated as well."""

    source: Path
    root: Path | None = None
    groups: Path | None = None
    rate: float | None = None
    cached: bool = True
    cautious: bool = False
    treat: tuple[str, ...] = ()


def open_evaluated(kind: Kind, settings: Settings) -> Evaluated:
    """Obtain the weights and open the pipelines of that kind. Raises SetupError."""
    with weights_progress() as progress:
        return evaluated(kind, settings, obtain_networks(settings, progress))


def evaluate_comparison(
    inquiry: Inquiry, pipeline: Evaluated, settings: Settings
) -> tuple[ComparisonResult, Curves]:
    """Error rates of faces or voices. Raises InputError for files that cannot be evaluated."""
    treated = _to_treat(inquiry, pipeline)
    result, curves = rate(_compared(inquiry, pipeline, settings), inquiry, pipeline)
    return _rate_treated(treated, inquiry, settings, result), curves


# What is compared, how many files were left out, and what is to be noted of it.
ComparedFiles = tuple[Compared, int, tuple[str, ...]]


def rate(
    files: ComparedFiles, inquiry: Inquiry, pipeline: Evaluated
) -> tuple[ComparisonResult, Curves]:
    """Error rates of what has been compared, wherever that was done."""
    compared, left_out, notes = files
    fmr = inquiry.rate or pipeline.default_fmr
    served = (pipeline.served, pipeline.default_fmr) if pipeline.served is not None else None
    question = Question(
        pipeline.provenance(inquiry.source),
        fmr,
        served,
        left_out=left_out,
        notes=notes,
        cautious=inquiry.cautious,
    )
    return rate_comparisons(compared, question, _groups(inquiry, compared.samples.files))


@dataclass(frozen=True, slots=True)
class _Treated:
    """Where treated pictures come from: a folder of copies, or what is evaluated, treated."""

    name: str
    source: Path
    pipeline: Evaluated


def _to_treat(inquiry: Inquiry, pipeline: Evaluated) -> list[_Treated]:
    """Raises InvalidParameter for what is neither, before anything is computed."""
    folders = {name: Path(name) for name in inquiry.treat if Path(name).is_dir()}
    return [
        _Treated(folders[name].name, folders[name], pipeline)
        if name in folders
        else _Treated(name, inquiry.source, pipeline.treated(name))
        for name in inquiry.treat
    ]


def _rate_treated(
    treated: Sequence[_Treated], inquiry: Inquiry, settings: Settings, plain: ComparisonResult
) -> ComparisonResult:
    """At the server's threshold, or at the one that the untreated pictures give where it has
    none."""
    at = plain.served or plain.decision
    if at is None:
        return plain
    rated = []
    for one in treated:
        compared, _, _ = _compared(replace(inquiry, source=one.source), one.pipeline, settings)
        rated.append(rate_treated(one.name, compared, at.threshold))
    return replace(plain, treated=tuple(rated))


def evaluate_liveness(
    inquiry: Inquiry, pipeline: Evaluated, settings: Settings, default_bpcer: float
) -> tuple[LivenessResult, PadScores]:
    """Error rates of liveness. Raises InputError for files that cannot be evaluated."""
    presentations = read_presentations(inquiry.source)
    _tell_left_out(presentations.left_out)
    outcomes = acquire(presentations.files, inquiry, pipeline, settings)
    question = PadQuestion(
        pipeline.provenance(inquiry.source),
        inquiry.rate or default_bpcer,
        pipeline.served,
        (_FILES_AS_PEOPLE,) if presentations.guessed_people else (),
    )
    samples = Samples(presentations.files, tuple(outcomes))
    return rate_liveness(presentations, samples, question, _groups(inquiry, presentations.files))


def evaluate_identification(
    inquiry: Inquiry, candidates: int, pipeline: Evaluated, settings: Settings, default_fpir: float
) -> tuple[IdentificationResult, Searches]:
    """Error rates of searches. Raises InputError for files that cannot be evaluated."""
    folder = folder_per_person(inquiry.source, PICTURES)
    _tell_left_out(folder.left_out)
    outcomes = acquire(folder.files, inquiry, pipeline, settings)
    question = SearchQuestion(
        pipeline.provenance(inquiry.source),
        inquiry.rate or default_fpir,
        pipeline.claims,
        candidates,
        len(folder.left_out),
    )
    return rate_searches(samples_of(folder.files, outcomes, pipeline), question)


def acquire(
    files: Sequence[SampleFile], inquiry: Inquiry, pipeline: Evaluated, settings: Settings
) -> list[Outcome]:
    """Templates and measures of every file, with a bar on stderr."""
    cache = SampleCache.at(settings.data_dir, pipeline.cache_name) if inquiry.cached else None
    run = AcquireAll(pipeline.acquire, cache, settings.workers or os.cpu_count() or 1)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Files", total=len(files))
        try:
            return run(files, lambda _file: progress.advance(bar))
        except KeyboardInterrupt:
            kept = "what was done is kept" if cache else "nothing is kept"
            raise PerseError(f"interrupted; {kept}: run the same command to go on") from None


def _compared(inquiry: Inquiry, pipeline: Evaluated, settings: Settings) -> ComparedFiles:
    if inquiry.source.is_dir() or not inquiry.source.exists():
        endings = RECORDINGS if pipeline.kind == "voice" else PICTURES
        folder = folder_per_person(inquiry.source, endings)
        _tell_left_out(folder.left_out)
        outcomes = acquire(folder.files, inquiry, pipeline, settings)
        samples = samples_of(folder.files, outcomes, pipeline)
        return compare_all_samples(samples), len(folder.left_out), ()
    listed = read_trials(inquiry.source, inquiry.root or inquiry.source.parent)
    outcomes = acquire(listed.files, inquiry, pipeline, settings)
    return compared_trials(listed, outcomes, pipeline)


def compared_trials(
    listed: TrialList, outcomes: Sequence[Outcome], pipeline: Evaluated
) -> ComparedFiles:
    """The listed pairs only."""
    samples = samples_of(listed.files, outcomes, pipeline)
    notes = (_GUESSED_PEOPLE,) if listed.guessed_people else ()
    return compare_trials(samples, listed.trials), 0, notes


def samples_of(
    files: Sequence[SampleFile], outcomes: Sequence[Outcome], pipeline: Evaluated
) -> Samples:
    """With what the pipeline knows of scores."""
    models = pipeline.correction, pipeline.recognisability
    return Samples(tuple(files), tuple(outcomes), *models)


def _groups(inquiry: Inquiry, files: Sequence[SampleFile]) -> list[Group]:
    return read_groups(inquiry.groups, files) if inquiry.groups else []


def _tell_left_out(names: Sequence[str]) -> None:
    if names:
        endings = Counter(PurePath(name).suffix.lower() or "no ending" for name in names)
        told = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common(5))
        console.print(f"{len(names):,} files left out: {told}", style="yellow", markup=False)
