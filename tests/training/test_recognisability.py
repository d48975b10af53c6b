"""The fit of recognisability on captures that were made up."""

from __future__ import annotations

import numpy as np

from training.recognisability.captures import Captures
from training.recognisability.fit import fit_model, fit_sharing
from training.recognisability.rates import Pairs, recognised

RNG = np.random.default_rng(11)
PEOPLE, EACH, VALUES = 60, 3, 64
IDENTITIES = RNG.normal(size=(PEOPLE, VALUES))
IDENTITIES /= np.linalg.norm(IDENTITIES, axis=1)[:, None]
THRESHOLD = 0.5


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
    model = fit_model(BANK, THRESHOLD)
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


def test_what_is_chosen_parts_strangers_and_leaves_good_pairs_alone() -> None:
    model = fit_model(BANK, THRESHOLD)
    sharing = fit_sharing(BANK, model, THRESHOLD)
    decision = sharing, model.least
    assert Pairs(model, BANK["much"], THRESHOLD).rates(None)[0] > 0.5
    for name, captured in BANK.items():
        pairs = Pairs(model, captured, THRESHOLD)
        (before, mated_before), (now, mated) = map(pairs.rates, (None, decision))
        assert now <= min(before, 0.01), name
        assert mated <= mated_before
    good = Pairs(model, BANK["none"], THRESHOLD)
    assert good.rates(decision)[1] > good.rates(None)[1] - 0.02
