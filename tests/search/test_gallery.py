"""A gallery as a user has it."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perse.domain.identification import SearchClaims
from perse.domain.references import Template
from perse.domain.samples import ModelName
from perse.errors import ImageUnusable, InvalidParameter, NoFaceDetected, ReferenceModelMismatch
from perse.search.gallery import Gallery
from perse.search.measured import MeasuredFaces
from tests.recognisable import GOOD, HOPELESS, NET, POINTS, SCALE, template
from tests.search.test_ranking import compared_with_all, people

MEASURED = MeasuredFaces(NET, SearchClaims(POINTS, lowest_fmr=1e-5), SCALE)
ANN, BOB, EVE = template(1, 0), template(0, 1), template(-1, 0)


def photographed(name: str) -> Template:
    """What makes templates of pictures, which are names here."""
    if name == "nobody":
        raise NoFaceDetected("no face in the picture")
    return {"ann": ANN, "bob": BOB, "fog": template(1, 0, traits=HOPELESS)}[name]


def gallery() -> Gallery[str]:
    return Gallery(MEASURED, photographed)


def filled() -> Gallery[str]:
    opened = gallery()
    opened.add("ann", ANN)
    opened.add("bob", BOB)
    return opened


def names(opened: Gallery[str], probe: Template | str, **options: object) -> list[str]:
    found = opened.identify(probe, **options)  # type: ignore[arg-type]
    assert [it.rank for it in found.candidates] == list(range(1, len(found.candidates) + 1))
    return [it.subject for it in found.candidates]


def test_who_is_there_is_found_by_template_and_by_picture() -> None:
    opened = gallery()
    opened.add("ann", "ann")
    opened.add("bob", BOB)
    assert names(opened, "ann") == names(opened, ANN) == ["ann"]
    assert list(opened) == ["ann", "bob"]
    assert "ann" in opened
    assert len(opened) == 2


def test_nobody_is_an_answer() -> None:
    for opened in (gallery(), filled()):
        found = opened.identify(EVE)
        assert found.candidates == ()
        assert found.assessable


def test_the_similarity_is_what_comparing_the_two_says() -> None:
    probe = template(1, 0.3)
    (found,) = filled().identify(probe).candidates
    assert found.similarity == SCALE.resemblance(probe, ANN).similarity


def test_the_threshold_follows_from_the_rate_asked_and_from_the_samples_searched() -> None:
    opened = filled()
    opened.add("bob", template(0, 1, 0.1), template(0.1, 1))
    found = opened.identify(ANN, fpir=0.02)
    assert found.subjects == 2
    assert found.threshold == MEASURED.claims.threshold(0.02, 4)
    assert opened.identify(ANN, among=["ann"]).threshold.comparisons == 1


def test_a_gallery_larger_than_the_data_carry_says_so() -> None:
    opened = gallery()
    opened.add_all([(f"{n}", template(math.cos(n), math.sin(n))) for n in range(1006)])
    threshold = opened.identify(ANN).threshold
    assert not threshold.supported
    assert threshold.largest_supported == 1005
    assert threshold.similarity > 0.9


def test_the_search_can_be_kept_to_some_subjects() -> None:
    opened = filled()
    assert names(opened, ANN, among={"bob", "a stranger"}) == []
    assert names(opened, ANN, among=["ann", "ann"]) == ["ann"]
    assert opened.identify(ANN, among=[]).subjects == 0


def test_the_best_sample_counts() -> None:
    opened = filled()
    opened.add("bob", template(1, 0.1))
    assert names(opened, template(1, 0.1)) == ["bob", "ann"]
    assert names(opened, template(1, 0.1), max_candidates=1) == ["bob"]


def test_who_is_replaced_is_found_by_the_new_samples_alone() -> None:
    opened = filled()
    opened.replace("ann", EVE)
    assert names(opened, ANN) == []
    assert names(opened, EVE) == ["ann"]
    opened.replace("ann")
    assert "ann" not in opened


def test_who_is_removed_is_not_found() -> None:
    opened = filled()
    assert opened.remove("ann")
    assert not opened.remove("ann")
    assert names(opened, ANN) == []
    opened.add("eve", EVE)
    assert names(opened, EVE) == ["eve"]


def test_a_probe_that_shows_too_little_is_answered_with_nobody() -> None:
    found = filled().identify("fog")
    assert found.candidates == ()
    assert not found.assessable
    assert found.recognisability == SCALE.recognisability(photographed("fog"))


def test_a_sample_that_shows_too_little_is_refused_and_nothing_is_added() -> None:
    opened = gallery()
    with pytest.raises(ImageUnusable, match="too little of a person"):
        opened.add("ann", ANN, "fog")
    with pytest.raises(NoFaceDetected):
        opened.add("ann", ANN, "nobody")
    assert len(opened) == 0
    opened.add("ann", ANN)
    with pytest.raises(ImageUnusable):
        opened.replace("ann", "fog")
    assert names(opened, ANN) == ["ann"]


def test_templates_of_another_network_are_refused() -> None:
    foreign = replace(ANN, model=ModelName("another"))
    opened = filled()
    for use in (lambda: opened.add("x", foreign), lambda: opened.identify(foreign)):
        with pytest.raises(ReferenceModelMismatch, match="with the same network"):
            use()
    longer = Template.of(np.array([1, 0, 0, 0], np.float32), NET)
    uses = (
        lambda: opened.add("x", longer),
        lambda: opened.replace("ann", longer),
        lambda: opened.identify(longer),
    )
    for use in uses:
        with pytest.raises(InvalidParameter, match="of one length"):
            use()
    assert names(opened, ANN) == ["ann"]


def test_what_no_search_can_be_made_of_is_refused() -> None:
    opened = filled()
    for most in (0, 101):
        with pytest.raises(InvalidParameter, match="between 1 and 100"):
            opened.identify(ANN, max_candidates=most)
    with pytest.raises(InvalidParameter, match="1e-06 or more and below 1"):
        opened.identify(ANN, fpir=1.0)
    for subject in ("", 7):
        with pytest.raises(InvalidParameter, match="a text that is not empty"):
            opened.add(subject, ANN)  # type: ignore[arg-type]


def test_a_closed_gallery_is_empty_and_the_callers_templates_are_not_touched() -> None:
    before = ANN.vector.copy()
    with filled() as opened:
        assert len(opened) == 2
    assert len(opened) == 0
    assert names(opened, ANN) == []
    assert np.array_equal(ANN.vector, before)
    opened.add("ann", ANN)
    assert names(opened, ANN) == ["ann"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), fpir=st.sampled_from([1e-3, 1e-2, 0.3]))
def test_a_gallery_answers_as_comparing_with_everybody(seed: int, fpir: float) -> None:
    held = people(seed, 60, subjects=25, traits=(GOOD, None))
    probes = [it.template for it in people(seed + 1, 4, subjects=4, traits=(GOOD,)).values()]
    opened = gallery()
    opened.add_all([(it.subject, it.template) for it in held.values()])
    for probe, answer in zip(probes, opened.identify_all(probes, fpir=fpir), strict=True):
        assert answer == opened.identify(probe, fpir=fpir)
        expected = compared_with_all(probe, held, SCALE, 10, answer.threshold.similarity)
        assert [(it.subject, it.similarity) for it in answer.candidates] == expected


def test_whoever_is_replaced_again_and_again_is_found_by_every_search() -> None:
    """Others come and go in the rows that are freed."""
    opened, done = filled(), threading.Event()
    opened.add_all([(f"other {n}", template(0, 1, n / 900)) for n in range(300)])

    def change() -> None:
        for turn in range(100):
            opened.replace("ann", template(1, 0, turn % 7 / 100), template(1, 0.01))
            opened.remove(f"other {turn}")
            opened.add(f"other {turn}", EVE)
        done.set()

    def search() -> Sequence[str]:
        missed = []
        while not done.is_set():
            found = opened.identify(ANN, fpir=0.3)
            if [it.subject for it in found.candidates] != ["ann"]:
                missed.append(str(found))
        return missed

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search) for _ in range(3)]
        pool.submit(change).result(60)
        assert [it.result(10) for it in searches] == [[], [], []]
