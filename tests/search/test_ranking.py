"""What is found is what comparing with everybody finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.identification import AttributedTemplate
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Template, Traits
from perse.domain.resemblance import ResemblanceScale
from perse.search.index import TemplateIndex
from perse.search.kernels import Kernel, numkong_kernel, numpy_kernel
from perse.search.ranking import Ranked, RankSubjects, Truth
from tests.recognisable import GOOD, HOPELESS, NET, POINTS, POOR, SCALE

Held = dict[int, AttributedTemplate]
Order = list[tuple[str, float]]
BARE = ResemblanceScale(POINTS)


def people(seed: int, count: int, *, subjects: int, traits: Sequence[Traits | None]) -> Held:
    """Three-valued templates, which crowd, and many of which are exactly alike."""
    random = np.random.default_rng(seed)
    directions = random.integers(-3, 4, (count, 3)).astype(np.float32)
    directions[~directions.any(axis=1)] = 1
    return {
        number: AttributedTemplate(
            f"subject {random.integers(subjects)}",
            Template.of(vector, NET, traits[int(random.integers(len(traits)))]),
        )
        for number, vector in enumerate(directions)
    }


def compared_with_all(
    probe: Template, held: Held, scale: ResemblanceScale, most: int, least: float
) -> Order:
    """The oracle."""
    best: dict[str, tuple[float, float]] = {}
    for sample in held.values():
        found = scale.resemblance(probe, sample.template)
        if found.assessable:
            before = best.get(sample.subject, (-2.0, 0.0))
            best[sample.subject] = max(before, (found.effective, found.similarity))
    ordered = sorted(best.items(), key=lambda it: (-it[1][0], it[0]))[:most]
    return [(subject, similarity) for subject, (_, similarity) in ordered if similarity >= least]


def truth_of(held: Mapping[int, AttributedTemplate]) -> Truth:
    return lambda numbers: [held[number] for number in numbers if number in held]


def bare(probe: Template) -> FaceLikeness:
    return FaceLikeness(probe, BARE)


def order(ranked: Sequence[Ranked]) -> Order:
    return [(it.subject, it.similarity) for it in ranked]


def indexed(held: Held, *, kernel: Kernel = numpy_kernel, per_chunk: int = 64) -> TemplateIndex:
    index = TemplateIndex(3, kernel=kernel, rows_per_chunk=per_chunk)
    index.add(list(held), np.stack([sample.template.vector for sample in held.values()]))
    return index


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 400),
    subjects=st.sampled_from([1, 7, 1000]),
    most=st.sampled_from([1, 2, 10]),
    least=st.sampled_from([0.0, 0.4, 0.6, 0.85, 1.0]),
    traits=st.sampled_from([(None,), (GOOD, POOR), (GOOD, POOR, HOPELESS, None)]),
    scale=st.sampled_from([SCALE, BARE]),
)
def test_the_ranking_is_that_of_comparing_with_everybody(
    seed: int,
    count: int,
    subjects: int,
    most: int,
    least: float,
    traits: Sequence[Traits | None],
    scale: ResemblanceScale,
) -> None:
    held = people(seed, count, subjects=subjects, traits=traits)
    probes = [sample.template for sample in people(seed + 1, 3, subjects=3, traits=traits).values()]
    expected = [compared_with_all(probe, held, scale, most, least) for probe in probes]
    for kernel, per_chunk in ((numpy_kernel, 1000), (numkong_kernel, 7)):
        rank = RankSubjects(indexed(held, kernel=kernel, per_chunk=per_chunk), truth_of(held))
        faces = [FaceLikeness(probe, scale) for probe in probes]
        assert [order(found) for found in rank(faces, most, least)] == expected
        assert [order(rank([face], most, least)[0]) for face in faces] == expected


def test_the_exact_ranking_of_long_templates_is_found_among_many() -> None:
    random = np.random.default_rng(5)
    vectors = random.standard_normal((5_000, 128)).astype(np.float32)
    held = {
        number: AttributedTemplate(f"{number:05}", Template.of(vector, NET))
        for number, vector in enumerate(vectors)
    }
    index = TemplateIndex(128)
    index.add(list(held), np.stack([it.template.vector for it in held.values()]))
    rank = RankSubjects(index, truth_of(held))
    probes = [Template.of(random.standard_normal(128).astype(np.float32), NET) for _ in range(10)]
    faces = [bare(probe) for probe in probes]
    for probe, found in zip(probes, rank(faces, 10, 0.0), strict=True):
        cosines = {it.subject: probe.cosine(it.template) for it in held.values()}
        assert [it.subject for it in found] == sorted(
            cosines, key=lambda subject: (-cosines[subject], subject)
        )[:10]


def test_equal_similarities_are_ordered_by_id_and_cut_there() -> None:
    same = Template.of(np.array([1, 2, 3], np.float32), NET)
    held = {n: AttributedTemplate(f"{500 - n:03}", same) for n in range(500)}
    for kernel in (numpy_kernel, numkong_kernel):
        rank = RankSubjects(indexed(held, kernel=kernel, per_chunk=11), truth_of(held))
        (found,) = rank([bare(same)], 3, 0.0)
        assert order(found) == [("001", 1.0), ("002", 1.0), ("003", 1.0)]


def test_the_best_of_several_samples_counts_and_a_subject_stands_once() -> None:
    held = {
        n: AttributedTemplate(subject, Template.of(np.array(values, np.float32), NET))
        for n, (subject, values) in enumerate(
            [("a", (1, 1, 0)), ("b", (1, 0.2, 0)), ("a", (1, 0.1, 0)), ("a", (0, 1, 0))]
        )
    }
    rank = RankSubjects(indexed(held), truth_of(held))
    probe = Template.of(np.array([1, 0, 0], np.float32), NET)
    assert [it.subject for it in rank([bare(probe)], 10, 0.0)[0]] == ["a", "b"]


def test_a_stale_index_finds_nobody_who_is_gone_and_everybody_as_they_are() -> None:
    then = {
        n: AttributedTemplate(subject, Template.of(np.array(values, np.float32), NET))
        for n, (subject, values) in enumerate([("gone", (1, 0, 0)), ("stays", (1, 0.1, 0))])
    }
    now = {1: AttributedTemplate("renamed", then[1].template)}
    rank = RankSubjects(indexed(then), truth_of(now))
    ((only,),) = rank([bare(then[0].template)], 10, 0.0)
    assert only.subject == "renamed"


def test_nobody_is_found_by_no_probe_and_in_no_row() -> None:
    held = people(1, 5, subjects=5, traits=[None])
    index = indexed(held)
    rank = RankSubjects(index, truth_of(held))
    assert rank([], 1, 0.0) == []
    assert rank([bare(held[0].template)], 1, 0.0, index.mask([])) == [[]]


@pytest.mark.parametrize("crowd", [33, 300])
def test_a_crowd_of_one_subjects_samples_hides_nobody(crowd: int) -> None:
    """More samples of one subject are nearer than are looked at first."""
    near = Template.of(np.array([1, 0, 0], np.float32), NET)
    far = Template.of(np.array([1, 0.5, 0], np.float32), NET)
    held = {n: AttributedTemplate("many", near) for n in range(crowd)}
    held[crowd] = AttributedTemplate("one", far)
    rank = RankSubjects(indexed(held), truth_of(held))
    assert [it.subject for it in rank([bare(near)], 2, 0.0)[0]] == ["many", "one"]
