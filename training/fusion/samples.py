"""Probes against several samples of one person: what the combined similarity is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from perse.domain.sample_fusion import SampleFusion
from training.fusion.pairs import Chosen, Floats, Numbers

SHARES: Floats = np.round(np.arange(0, 1.01, 0.05), 2)


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A probe against samples of a person in each row. ``count``: how many samples; ``mean`` and
    ``best`` of the corrected cosines; ``agreement`` of the samples; ``probe`` and ``subject``
    number the persons; ``available``: of how many captures of the subject probe and samples were
    drawn, so that rows of one ``available`` have the same probes, whatever the count."""

    count: Numbers
    mean: Floats
    best: Floats
    agreement: Floats
    probe: Numbers
    subject: Numbers
    available: Numbers

    @property
    def mated(self) -> Chosen:
        return np.asarray(self.probe == self.subject)

    def only(self, chosen: Chosen) -> Trials:
        return Trials(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def among(self, people: Chosen) -> Trials:
        return self.only(people[self.probe] & people[self.subject])

    def combined(self, share: float) -> Floats:
        return np.asarray(SampleFusion(share).of_mean(self.mean, self.agreement), np.float64)

    @staticmethod
    def all_of(parts: Sequence[Trials]) -> Trials:
        return Trials(
            *(
                np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Trials)
            )
        )


def trials_of(
    cosines: Floats, vectors: Floats, probe: Numbers, subject: int, available: int, most: int
) -> Trials:
    """The first one, two, ... up to ``most`` samples. ``cosines``: probes x samples, corrected;
    ``vectors``: samples x features; ``probe``: whose each probe is."""
    counts = np.arange(1, min(most, len(vectors)) + 1)
    means = np.cumsum(cosines, axis=1)[:, : len(counts)] / counts
    best = np.maximum.accumulate(cosines, axis=1)[:, : len(counts)]
    average = np.cumsum(vectors, axis=0)[: len(counts)] / counts[:, None]
    rows = means.shape
    return Trials(
        np.broadcast_to(counts, rows).ravel(),
        means.ravel(),
        best.ravel(),
        np.broadcast_to((average**2).sum(axis=1), rows).ravel(),
        np.repeat(probe, len(counts)),
        np.full(means.size, subject),
        np.full(means.size, available),
    )


def fitted_share(trials: Trials, cosine: float, fmr: float, counts: Sequence[int]) -> float:
    """The largest share with which no more strangers than ``fmr`` reach ``cosine``, nor more than
    with single samples where these are more, whatever the number of samples."""
    strangers = trials.only(~trials.mated)
    single = strangers.only(strangers.count == 1)
    allowed = max(fmr, float((single.mean >= cosine).mean()))
    kept = [
        share
        for share in SHARES
        if all(
            (strangers.only(strangers.count == count).combined(share) >= cosine).mean() <= allowed
            for count in counts
        )
    ]
    return float(max(kept, default=0.0))
