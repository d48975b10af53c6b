"""Combined and best similarity by the number of samples: a part of ``benchmarks.verification``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import similarity_at_fmr
from perse.domain.samples import ModelName
from perse.weights.fusion import shipped_sample_fusion
from training.fusion.fit import Modality
from training.fusion.pairs import Floats, halves, resampled
from training.fusion.samples import Trials
from training.fusion.webcams import webcam_trials

RESAMPLES = 100
COUNTS = (1, 2, 3, 4, 5, 9)

Mask = NDArray[np.bool_]


def report_samples(name: str, modality: Modality, available: Sequence[int]) -> None:
    """Combined and best similarity by the number of samples, at the default threshold."""
    judged = list(_judged_samples(modality))
    trials = Trials.all_of([trials for trials, _ in judged])
    combined = np.concatenate([trials.combined(share) for trials, share in judged])
    cosine = modality.scale.cosine(similarity_at_fmr(modality.fmr))
    drawn = list(resampled(modality.people, RESAMPLES))
    fits = ", ".join(f"{share:g}" for _, share in judged)
    print(f"\n{name}: FMR where {modality.fmr:g} is stated; shares fitted: {fits}")
    for count in np.intersect1d(COUNTS, trials.count):
        which = ~trials.mated & (trials.count == count)
        subjects = len(np.unique(trials.subject[which]))
        print(
            f"  {count} samples, {subjects} people: combined "
            f"{_rate(trials, which, combined >= cosine, drawn)}, "
            f"best {_rate(trials, which, trials.best >= cosine, drawn)}"
        )
    for least in available:
        _report_misses(trials, least, combined < cosine, trials.best < cosine, drawn)


def report_webcams(folder: Path, press: Modality) -> None:
    """Up to twenty samples of another camera, with the share that ships."""
    trials = webcam_trials("standard", folder / "webcams.npz", folder / "standard.npz")
    combined = trials.combined(shipped_sample_fusion(ModelName("sface")).share)
    people = int(trials.probe.max()) + 1
    webcam = int(trials.subject.max()) + 1
    drawn = list(resampled(people, RESAMPLES))
    print(f"\nwebcams, standard: {webcam} people, probes of another session")
    groups = {
        "FMR, press portraits": (trials.probe >= webcam, 1e-2),
        "FMR, other webcams": (~trials.mated & (trials.probe < webcam), 1e-2),
        "FNMR": (trials.mated, 1e-5),
    }
    for name, (group, fmr) in groups.items():
        cosine = press.scale.cosine(similarity_at_fmr(fmr))
        print(f"  {name} where {fmr:g} is stated, {(group & (trials.count == 1)).sum()} trials")
        for count in (1, 2, 5, 10, 20):
            which = group & (trials.count == count)
            rates = (
                _rate(trials, which, (scores < cosine) == trials.mated, drawn)
                for scores in (combined, trials.best)
            )
            print(f"    {count} samples: combined {next(rates)}, best {next(rates)}")


def _judged_samples(modality: Modality) -> Iterator[tuple[Trials, float]]:
    one, other = halves(modality.people)
    for taught, held in ((one, other), (other, one)):
        yield modality.trials.among(held), modality.share(taught)


def _report_misses(
    trials: Trials, least: int, combined: Mask, best: Mask, drawn: Sequence[Floats]
) -> None:
    """FNMR of the same probes with more and more samples."""
    those = trials.mated & (trials.available >= least)
    print(
        f"  FNMR of {len(np.unique(trials.probe[those]))} people with {least} or more captures, "
        f"{(those & (trials.count == 1)).sum()} trials"
    )
    for count in (it for it in COUNTS if it < least):
        which = those & (trials.count == count)
        if which.any():
            print(
                f"    {count} samples: combined {_rate(trials, which, combined, drawn)}, "
                f"best {_rate(trials, which, best, drawn)}"
            )


def _rate(trials: Trials, which: Mask, errs: Mask, drawn: Sequence[Floats]) -> str:
    probe, subject, errors = trials.probe[which], trials.subject[which], errs[which]
    same = probe == subject

    def rate(people: Floats) -> float:
        weights = people[probe] * np.where(same, 1.0, people[subject])
        total = float(weights.sum())
        return float(weights[errors].sum()) / total if total else float("nan")

    return with_interval(float(errors.mean()), [rate(people) for people in drawn])


def with_interval(rate: float, again: Sequence[float] | Floats) -> str:
    """And in brackets that of 95 % of the resamples."""
    low, high = np.nanquantile(again, (0.025, 0.975))
    return f"{rate:.2e} ({low:.1e} .. {high:.1e})"
