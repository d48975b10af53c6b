from __future__ import annotations

import pytest

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.sample_fusion import SampleFusion
from perse.domain.samples import ModelName
from perse.weights.cards import Role
from perse.weights.catalogue import load_catalog
from perse.weights.fusion import shipped_modality_fusion, shipped_sample_fusion


def scale_of(network: str) -> SimilarityScale:
    points = load_catalog().card(network).operating_points
    assert points is not None
    return SimilarityScale(points.points)


@pytest.mark.parametrize("pack", ["standard", "compact"])
@pytest.mark.parametrize("role", ["face_embedder", "speaker_embedder"])
def test_every_measured_embedder_of_the_packs_has_a_fitted_share(pack: str, role: Role) -> None:
    embedder = load_catalog().cards_of(pack)[role]
    assert embedder.operating_points is not None
    assert 0.5 < shipped_sample_fusion(embedder.name).share < 0.9


def test_samples_of_an_unmeasured_embedder_are_averaged() -> None:
    assert shipped_sample_fusion(ModelName("my_embedder")) == SampleFusion(0.0)


@pytest.mark.parametrize("face", ["sface", "mobilefacenet"])
def test_face_and_voice_that_each_just_match_match_together(face: str) -> None:
    fusion = shipped_modality_fusion(scale_of(face), scale_of("campplus"))
    assert fusion.similarity(0.8, 0.6) > 0.85
    assert fusion.similarity(0.45, 0.5) < 0.6
    assert fusion.supported(0.9)


def test_evidence_ends_where_rates_end() -> None:
    coarse = SimilarityScale([OperatingPoint(1e-1, 0.1), OperatingPoint(1e-4, 0.4)])
    fusion = shipped_modality_fusion(coarse, scale_of("campplus"))
    assert fusion.face.highest == 0.8
    assert not fusion.supported(0.9)


def test_a_voice_that_was_measured_for_one_in_ten_only_adds_little_to_a_face() -> None:
    coarse = SimilarityScale([OperatingPoint(0.5, 0.1), OperatingPoint(1e-1, 0.2)])
    fusion = shipped_modality_fusion(scale_of("sface"), coarse)
    assert fusion.similarity(0.5, 1.0) < 0.6
    assert 0.8 < fusion.similarity(0.85, 1.0) < 0.95
