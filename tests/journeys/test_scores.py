"""Scores, thresholds and networks are those that the changelog speaks of."""

from __future__ import annotations

import json
import re
from pathlib import Path

from perse.weights.catalogue import load_catalog
from perse.weights.recognisability import shipped_recognisability
from tests.conftest import REPOSITORY
from tests.scores import kept, kept_here, mark, measured, settled

CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
README = (REPOSITORY / "README.md").read_text("utf-8")
HEADING = "### Recognition behaviour\n"


def test_recognition_says_what_it_said(pack_folders: dict[str, Path]) -> None:
    """If not, and if that is meant: `make scores`, and the changelog."""
    assert settled(measured(pack_folders["standard"]), kept_here()) == kept_here()


def test_a_change_of_scores_has_its_heading() -> None:
    latest = CHANGELOG.split(HEADING)[1].split("\n## ")[0]
    marks = re.findall(r"Scores of the samples: `([0-9a-f]{8})`", latest)
    assert marks == [mark()], f"say what changed under {HEADING.strip()}, with `{mark()}`"


def test_the_readme_shows_what_is_answered_today() -> None:
    shown = json.loads(README.split("```json\n")[1].split("```")[0])
    face, thresholds = shown["faces"][0], shown["default_thresholds"]
    numbers = face["face_metrics"] | face["pose"] | {"PAD score": face["liveness_score"]}
    numbers["colour"] = numbers.pop("color")
    numbers["recognisability"] = face["recognisability"]
    scores = {f"obama_2012: {name}": number for name, number in numbers.items()}
    assert settled(scores, kept()).items() <= kept().items()
    catalogue = load_catalog()
    quality = catalogue.pack("standard").quality
    attacks = catalogue.cards_of("standard")["face_attack_detector"].attack_point
    assert thresholds.pop("liveness") == (attacks.score if attacks else None)
    assert thresholds.pop("color") == quality.colour
    embedder = catalogue.cards_of("standard")["face_embedder"]
    model = shipped_recognisability(embedder.name)
    assert thresholds.pop("recognisability") == (model.least if model else None)
    assert thresholds == {name: getattr(quality, name) for name in thresholds}


def test_a_difference_is_seen_and_a_rounding_is_not() -> None:
    old: dict[str, float | str] = {"pair: cosine": 0.5, "face: yaw": 10.0, "network": "one"}
    assert settled(old | {"pair: cosine": 0.504, "face: yaw": 10.2}, old) == old
    changes: tuple[dict[str, float | str], ...] = (
        {"pair: cosine": 0.506},
        {"face: yaw": 10.3},
        {"network": "another"},
    )
    for changed in changes:
        assert settled(old | changed, old) == old | changed
    assert settled({"network": "one"}, old) != old
