"""A voice among many: what is found is what comparing with everybody finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import AttributedTemplate
from perse.domain.references import (
    BiometricReference,
    Modality,
    ReferenceRecord,
    Template,
    UserToken,
)
from perse.domain.samples import ModelName
from perse.domain.stranger_spread import SpreadCorrection
from perse.domain.voice_obstacles import HeardVoices, VoiceLimits
from perse.domain.voice_quality import VoiceQuality
from perse.domain.voices import CapturedVoice
from perse.errors import InvalidParameter
from perse.pipelines.voice import CaptureVoice, CompareVoices
from perse.pipelines.voice_likeness import VoiceLikeness
from perse.search.index import TemplateIndex
from perse.search.ranking import RankSubjects
from tests.fakes.subject_feed import NOW
from tests.fakes.voices import HearingEmbedder, SteadySpeech

NET = ModelName("voices")
POINTS = SimilarityScale([OperatingPoint(1e-1, 0.3), OperatingPoint(1e-3, 0.6)])
CORRECTIONS = (
    SpreadCorrection(),
    SpreadCorrection(slope=0.12, both_narrow=0.2, one_narrow=-0.15),
    SpreadCorrection(slope=0.3, both_narrow=-0.3, one_narrow=0.4),
)


def comparing(correction: SpreadCorrection) -> CompareVoices:
    capture = CaptureVoice(SteadySpeech(), HearingEmbedder())
    return CompareVoices(capture, POINTS, correction, VoiceLimits(agreement=0.3))


def voices(seed: int, count: int) -> list[CapturedVoice]:
    """Of three values, which crowd; long and short, wide and narrow, some of several people."""
    random = np.random.default_rng(seed)
    directions = random.integers(-3, 4, (count, 3)).astype(np.float32)
    directions[~directions.any(axis=1)] = 1
    return [
        CapturedVoice(
            Template.of(vector, NET),
            VoiceQuality(
                net_speech_s=float(random.choice([0.2, 1.0, 2.5, 9.0, 60.0])),
                snr_db=20.0,
                clipped_share=0.0,
                bandwidth_hz=float(random.choice([3400, 4300, 4600, 8000])),
                decoded_s=60.0,
            ),
            HeardVoices(float(random.choice([0.1, 0.9])) if random.random() < 0.3 else None),
        )
        for vector in directions
    ]


def kept(number: int, voice: CapturedVoice) -> AttributedTemplate:
    token = UserToken(f"subject {number % 40:02}")
    record = ReferenceRecord(token, NET, voice.to_keep(), NOW, NOW, modality=Modality.VOICE)
    return AttributedTemplate(
        token, voice.template, reference=BiometricReference(record, voice.template)
    )


def compared_with_all(
    compare: CompareVoices,
    probe: CapturedVoice,
    held: Sequence[CapturedVoice],
    most: int,
    least: float,
) -> list[tuple[str, float]]:
    """The oracle."""
    best: dict[str, tuple[float, float]] = {}
    for number, voice in enumerate(held):
        found = compare.judge(probe, voice)
        if found.obstacle is None:
            subject = kept(number, voice).subject
            best[subject] = max(best.get(subject, (-2.0, 0.0)), (found.cosine, found.similarity))
    ordered = sorted(best.items(), key=lambda it: (-it[1][0], it[0]))[:most]
    return [(subject, how) for subject, (_, how) in ordered if how >= least]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 300),
    most=st.sampled_from([1, 2, 10]),
    least=st.sampled_from([0.0, 0.3, 0.6, 0.8, 1.0]),
    correction=st.sampled_from(CORRECTIONS),
)
def test_the_ranking_of_voices_is_that_of_comparing_with_everybody(
    seed: int, count: int, most: int, least: float, correction: SpreadCorrection
) -> None:
    compare, held = comparing(correction), voices(seed, count)
    index = TemplateIndex(3)
    index.add(range(count), np.stack([voice.template.vector for voice in held]))
    rank = RankSubjects(index, lambda numbers: [kept(n, held[n]) for n in numbers])
    for probe in voices(seed + 1, 3):
        (found,) = rank([VoiceLikeness(probe, compare)], most, least)
        expected = compared_with_all(compare, probe, held, most, least)
        assert [(it.subject, it.similarity) for it in found] == expected


@given(seed=st.integers(0, 2**32 - 1), correction=st.sampled_from(CORRECTIONS))
def test_no_cosine_is_corrected_beyond_what_the_probe_says(
    seed: int, correction: SpreadCorrection
) -> None:
    probe, other = voices(seed, 2)
    likeness = VoiceLikeness(probe, comparing(correction))
    for cosine in np.linspace(-1, 1, 21).tolist():
        corrected = float(correction.corrected(cosine, probe.quality, other.quality))
        assert corrected <= likeness.most_effective(cosine) + 1e-12
        assert cosine >= likeness.least_cosine(corrected) - 1e-12


def test_a_voice_of_which_nothing_but_the_template_is_known_cannot_be_compared() -> None:
    (probe,) = voices(1, 1)
    likeness = VoiceLikeness(probe, comparing(SpreadCorrection()))
    with pytest.raises(InvalidParameter):
        likeness.resemblance(AttributedTemplate("somebody", probe.template))
