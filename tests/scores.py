"""What recognition says of the samples, kept in ``samples/scores.json`` so that no change goes by.

``make scores`` measures anew and prints the mark that the changelog must carry. A number that is
the same but for rounding stays as it was, so that every machine makes the same file: also where the
processor cannot run networks in 8-bit integers, whose figures stand beside those of floats.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from perse import Engine, open_engine
from perse.domain.samples import VoiceSample
from perse.networks.exact_integers import integers_are_exact
from perse.weights.cards import ModelCard
from perse.weights.catalogue import load_catalog
from perse.weights.conversions import version_of
from perse.weights.store import WeightStore
from tests.conftest import REPOSITORY
from tests.synthetic_speech import ALICE, BOB, speech

KEPT = REPOSITORY / "tests" / "samples" / "scores.json"
PORTRAITS = REPOSITORY / "tests" / "samples" / "portraits"
FACES = (
    ("obama_2009", "obama_2012"),
    ("obama_2012", "biden_2010"),
    ("collins_1992", "hopper_1984"),
)
VOICES = {"alice": (ALICE, 0), "alice again": (ALICE, 1), "bob": (BOB, 0)}
VOICE_PAIRS = (("alice", "alice again"), ("alice", "bob"))
METRICS = ("underexposure", "overexposure", "sharpness", "colour", "rotation")
ANGLES = ("yaw", "pitch", "roll")
INT8 = ", in integers"
OF_TEMPLATES = (": recognisability", ": cosine", ": similarity")
# Processors differ in the last digits of a network's sums, and by no more than this.
TOLERANCE = 0.005
TOLERANCE_DEGREES = 0.25

Scores = Mapping[str, float | str]


def measured(data_dir: Path) -> Scores:
    """By name: a number where networks ran, a text where it must stay to the last digit."""
    with open_engine("standard", data_dir=data_dir, offline=True, int8="off") as engine:
        scores = (
            dict(_packs()) | dict(_faces(engine)) | dict(_pairs(engine)) | dict(_voices(engine))
        )
    if not integers_are_exact():
        return scores
    with open_engine("standard", data_dir=data_dir, offline=True, int8="auto") as engine:
        integers = dict(_faces(engine)) | dict(_pairs(engine))
    return scores | {
        f"{name}{INT8}": score for name, score in integers.items() if name.endswith(OF_TEMPLATES)
    }


def kept() -> Scores:
    """What was measured last, as it stands in the repository."""
    content: dict[str, float | str] = json.loads(KEPT.read_text("utf-8"))
    return content


def kept_here() -> Scores:
    """As far as this processor can measure it."""
    everything, exact = kept(), integers_are_exact()
    return {name: it for name, it in everything.items() if exact or not name.endswith(INT8)}


def mark() -> str:
    """Eight digits that stand for what is kept."""
    return hashlib.sha256(KEPT.read_bytes()).hexdigest()[:8]


def settled(new: Scores, old: Scores) -> Scores:
    """``new``, with the number of ``old`` wherever it is the same but for rounding."""
    return {
        name: old[name] if name in old and _is_same(name, value, old[name]) else value
        for name, value in new.items()
    }


def _is_same(name: str, new: float | str, old: float | str) -> bool:
    if isinstance(new, str) or isinstance(old, str):
        return new == old
    tolerance = TOLERANCE_DEGREES if name.endswith(("rotation", *ANGLES)) else TOLERANCE
    return math.isclose(new, old, rel_tol=0, abs_tol=tolerance)


def _packs() -> Iterator[tuple[str, str]]:
    catalogue = load_catalog()
    for name, pack in sorted(catalogue.packs.items()):
        for measure in METRICS:
            yield f"{name}: threshold of {measure}", f"{getattr(pack.quality, measure)}"
        yield f"{name}: default FMR", f"{pack.default_fmr}, voices {pack.default_voice_fmr}"
        for role, card in catalogue.cards_of(name).items():
            yield f"{name}: {role}", "; ".join(filter(None, (_network(card), _thresholds(card))))


def _network(card: ModelCard) -> str:
    conversions = filter(None, (card.conversion, card.conversion_int8))
    made = [f"{conversion} {version_of(conversion)}" for conversion in conversions]
    return ", ".join((f"{card.name} {card.sha256[:16]}", *made))


def _thresholds(card: ModelCard) -> str:
    points = card.operating_points.points if card.operating_points else ()
    attack = [f"PAD {card.attack_point.score}"] if card.attack_point else []
    return ", ".join([*(f"{point.fmr}: {point.cosine}" for point in points), *attack])


def _faces(engine: Engine) -> Iterator[tuple[str, float]]:
    for path in sorted(PORTRAITS.glob("*.jpg")):
        face = engine.detect(path).faces[0]
        for metric in METRICS:
            yield f"{path.stem}: {metric}", round(float(getattr(face.metrics, metric)), 4)
        for angle in ANGLES:
            yield f"{path.stem}: {angle}", round(float(getattr(face.pose, angle)), 3)
        if face.recognisability is not None:
            yield f"{path.stem}: recognisability", round(face.recognisability, 4)
        if face.pad:
            yield f"{path.stem}: PAD score", round(face.pad.value, 4)


def _pairs(engine: Engine) -> Iterator[tuple[str, float]]:
    for one, other in FACES:
        faces = engine.compare(PORTRAITS / f"{one}.jpg", PORTRAITS / f"{other}.jpg")
        yield f"{one}, {other}: cosine", round(faces.cosine, 4)
        yield f"{one}, {other}: similarity", round(faces.similarity, 4)


def _voices(engine: Engine) -> Iterator[tuple[str, float]]:
    for one, other in VOICE_PAIRS:
        voices = engine.compare_voices(*map(_recording, (one, other)))
        yield f"{one}, {other}: cosine", round(voices.cosine, 4)


def _recording(name: str) -> VoiceSample:
    person, seed = VOICES[name]
    return VoiceSample(speech(person, 5, seed=seed), 16_000)


def main() -> None:
    """Measure anew, and print the line for the changelog."""
    weights = REPOSITORY / "build" / "weights"
    store = WeightStore(weights, mirror=None, offline=False)
    for card in load_catalog().cards_of("standard").values():
        store.obtain(card)
    with TemporaryDirectory() as folder:
        (Path(folder) / "weights").symlink_to(weights)
        old = kept() if KEPT.exists() else {}
        scores = dict(settled(measured(Path(folder)), old))
    # What is kept of machines that this one is not.
    scores |= {name: it for name, it in old.items() if name.endswith(INT8) and name not in scores}
    KEPT.write_text(json.dumps(scores, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"Scores of the samples: `{mark()}`.\n")


if __name__ == "__main__":
    main()
