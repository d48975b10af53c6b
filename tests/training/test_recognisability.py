"""The fit of recognisability on captures that were made up."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from perse.domain.recognisability import Recognisability
from training.recognisability.captures import Captures, joined
from training.recognisability.fit import Choice, fit_model, with_worth
from training.recognisability.held_out import told_by_others
from training.recognisability.rates import Bank, Pairs, recognised, told_of

RNG = np.random.default_rng(11)
PEOPLE, EACH, VALUES = 60, 3, 64
IDENTITIES = RNG.normal(size=(PEOPLE, VALUES))
IDENTITIES /= np.linalg.norm(IDENTITIES, axis=1)[:, None]
THRESHOLD = 0.5
CHOICE = Choice(none_counts=2, mild_fmr=2e-4)
FIT = partial(fit_model, threshold=THRESHOLD, choice=CHOICE)


def captures(*, least: float, most: float, along: int = 0) -> Captures:
    """Every person several times, damaged by ``least`` to ``most`` of 1."""
    person = np.repeat(np.arange(PEOPLE), EACH)
    damage = RNG.uniform(least, most, person.size)[:, None]
    noise = RNG.normal(size=(person.size, VALUES)) * 0.5 / np.sqrt(VALUES)
    vectors = (1 - 0.8 * damage) * IDENTITIES[person] + damage * np.eye(VALUES)[along] + noise
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    return Captures(
        vectors.astype(np.float32),
        (10 - 6 * damage[:, 0]) * RNG.uniform(0.8, 1.2, person.size),
        0.95 - 0.2 * damage[:, 0] + RNG.uniform(-0.05, 0.05, person.size),
        np.arange(person.size),
        person.astype(str),
        person.size,
    )


BANK = {
    "none": captures(least=0.0, most=0.05),
    "some": captures(least=0.0, most=1.0),
    "much": captures(least=0.6, most=1.0),
    "other": captures(least=0.2, most=1.0, along=1),
}


def test_the_fit_finds_the_direction_of_damage_and_whom_it_hides() -> None:
    model = FIT(BANK)
    some, much, other = model.directions
    assert min(some[0], much[0], other[1]) > 0.8
    told = {
        name: float(model.of_all(it.vectors, it.lengths, it.mirror_cosines).mean())
        for name, it in BANK.items()
    }
    assert told["none"] > 0.9 > told["some"] > told["much"]
    assert told["much"] < 0.3


def test_a_capture_is_recognised_by_other_pictures_and_not_by_itself() -> None:
    share = recognised(BANK["none"], BANK["none"], THRESHOLD)
    assert share.mean() > 0.9
    alone = BANK["none"].of(np.arange(PEOPLE * EACH) % EACH == 0)
    assert np.isnan(recognised(alone, alone, THRESHOLD)).all()


def test_what_a_treatment_adds_to_everybody_is_taken_out_of_templates() -> None:
    model, much = FIT(BANK), BANK["much"]
    rest = model.captured(much.vectors, told_of(model, much).known).rest
    np.testing.assert_allclose(np.linalg.norm(rest, axis=1), 1, atol=1e-5)
    assert much.vectors[:, 0].mean() > 0.7
    assert abs(rest[:, 0].mean()) < 0.3


def test_people_are_told_by_a_model_that_has_not_seen_them() -> None:
    fitted_on: list[set[str]] = []

    def fit(bank: Bank) -> Recognisability:
        fitted_on.append({person for it in bank.values() for person in it.person.tolist()})
        return FIT(bank)

    told = told_by_others(BANK, fit)
    everybody = set(BANK["none"].person.tolist())
    assert set.intersection(*fitted_on) == set()
    assert set.union(*(everybody - seen for seen in fitted_on)) == everybody
    # In the order of the captures, and much as by a model of everybody.
    of_everybody = told_of(FIT(BANK), BANK["some"])
    np.testing.assert_allclose(told["some"].known, of_everybody.known, atol=0.15)
    assert np.abs(told["some"].chances - of_everybody.chances).mean() < 0.1


def test_two_groups_of_people_make_one() -> None:
    chosen = np.arange(PEOPLE * EACH) < EACH * 20
    again = joined(BANK["some"].of(chosen), BANK["some"].of(~chosen))
    np.testing.assert_array_equal(again.vectors, BANK["some"].vectors)
    np.testing.assert_array_equal(again.person, BANK["some"].person)


def test_what_is_chosen_parts_strangers_and_leaves_good_pairs_alone() -> None:
    told = told_by_others(BANK, FIT)
    model = with_worth(FIT(BANK), BANK, told, THRESHOLD, CHOICE)
    decision = model.sharing, model.least
    assert Pairs(BANK["much"], told["much"], THRESHOLD).rates(None)[0] > 0.5
    for name, captured in BANK.items():
        pairs = Pairs(captured, told[name], THRESHOLD)
        (before, mated_before), (now, mated) = map(pairs.rates, (None, decision))
        assert now <= min(before, 0.01), name
        assert mated <= mated_before
    good = Pairs(BANK["none"], told["none"], THRESHOLD)
    assert good.rates(decision)[1] > good.rates(None)[1] - 0.02


def test_pairs_are_decided_as_the_server_decides_them() -> None:
    model = with_worth(FIT(BANK), BANK, told_by_others(BANK, FIT), THRESHOLD, CHOICE)
    # So that it matters whose doubt counts.
    model = replace(model, sharing=replace(model.sharing, cushion=0.5))
    some = BANK["some"]
    told = told_of(model, some)
    seen = model.captured(some.vectors, told.known)
    cosines = np.asarray(some.vectors @ some.vectors.T, np.float64)
    effective = model.corrected(cosines, seen, seen)
    told_enough = np.minimum.outer(told.known, told.known) >= model.least
    strangers = np.triu(some.person[:, None] != some.person, k=1)
    for threshold in (0.1, 0.3, THRESHOLD):
        match = (effective >= threshold) & told_enough
        rate, _ = Pairs(some, told, threshold).rates((model.sharing, model.least))
        assert rate == pytest.approx(match[strangers].mean(), abs=2e-4)
