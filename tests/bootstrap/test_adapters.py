"""What a start says of a network that it cannot run, and which networks each pack is wired to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from perse.bootstrap.faces import wire_faces
from perse.bootstrap.voices import wire_voices
from perse.bootstrap.weights import PackOnDisk
from perse.errors import CatalogInvalid
from perse.media.image_decoder import decode_image
from perse.pipelines.comparison import Picture
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.timed_parts import TimedFaceEmbedder
from perse.settings import Settings
from perse.weights.cards import Role
from tests.bootstrap.conftest import Obtain
from tests.media.pictures import PORTRAITS

FACE_ROLES: tuple[Role, ...] = (
    "face_detector",
    "face_embedder",
    "face_landmarker",
    "face_attack_detector",
)
VOICE_ROLES: tuple[Role, ...] = ("speech_detector", "speaker_embedder")
# Of packs whose files all come from the package index; others need the development files.
PACKS = ("standard", pytest.param("compact", marks=pytest.mark.shared))
GOOD_INPUT = {"size_px": 112, "colour": "rgb", "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def changed(on_disk: PackOnDisk, role: Role, **changes: Any) -> PackOnDisk:  # noqa: ANN401
    card = replace(on_disk.cards[role], **changes)
    return replace(on_disk, cards={**on_disk.cards, role: card})


def portrait(name: str) -> Picture:
    return Picture(name, lambda: decode_image((PORTRAITS / f"{name}.jpg").read_bytes()))


@pytest.mark.parametrize("pack", PACKS)
def test_the_networks_of_a_pack_answer_in_their_roles(
    pack: str, obtain: Obtain, settings: Settings
) -> None:
    on_disk = obtain(pack)
    faces, voices = wire_faces(settings, on_disk), wire_voices(settings, on_disk)
    assert voices is not None
    answering = {
        "face_detector": faces.detect.find.detector.model,
        "face_embedder": faces.capture.embedder.model,
        "face_landmarker": faces.capture.assess.pose.model,
        "face_attack_detector": faces.capture.assess.attacks and faces.capture.assess.attacks.model,
        "speech_detector": voices.capture.detector.model,
        "speaker_embedder": voices.capture.embedder.model,
    }
    assert answering == {role: card.name for role, card in on_disk.cards.items()}


@pytest.mark.parametrize("pack", PACKS)
def test_what_a_pack_does_has_one_detector_and_measured_thresholds(
    pack: str, obtain: Obtain, settings: Settings
) -> None:
    on_disk = obtain(pack)
    faces = wire_faces(settings, on_disk)
    assert faces.capture.find is faces.detect.find
    assert faces.compare.capture is faces.capture
    assert isinstance(faces.capture.embedder, TimedFaceEmbedder)
    assert isinstance(faces.capture.embedder.part, RefinedEmbedder)
    assert faces.capture.assess is faces.detect.assess
    default = f"{on_disk.pack.default_fmr:.0e}".replace("e-0", "e-")
    assert faces.thresholds.similarity == faces.thresholds.similarity_by_fmr[default]
    attacks = on_disk.cards["face_attack_detector"].attack_point
    assert attacks is not None
    assert faces.thresholds.liveness == attacks.score


def test_a_pack_without_them_has_no_voices_and_tells_no_attacks(
    obtain: Obtain, settings: Settings
) -> None:
    whole = obtain("standard")
    few = {role: card for role, card in whole.cards.items() if role in FACE_ROLES[:2]}
    on_disk = replace(whole, cards=few)
    faces = wire_faces(settings, on_disk)
    assert faces.capture.assess.attacks is None
    assert faces.thresholds.liveness is None
    assert wire_voices(settings, on_disk) is None


@pytest.mark.parametrize("role", FACE_ROLES + VOICE_ROLES)
def test_an_unknown_adapter_stops_the_start_and_those_there_are_are_named(
    role: Role, obtain: Obtain, settings: Settings
) -> None:
    on_disk = changed(obtain("standard"), role, adapter="nonsense")
    wire = wire_faces if role in FACE_ROLES else wire_voices
    name, known = on_disk.cards[role].name, obtain("standard").cards[role].adapter
    with pytest.raises(CatalogInvalid, match=rf"^{name}: .*'nonsense'.*{known}"):
        wire(settings, on_disk)


def test_a_network_of_ones_own_is_run_by_its_parameters(obtain: Obtain, settings: Settings) -> None:
    whole = obtain("standard")
    own = changed(whole, "face_embedder", adapter="onnx_embedder", parameters=GOOD_INPUT)
    first, second = (
        wire_faces(settings, pack).capture(portrait("obama_2012")).template for pack in (whole, own)
    )
    assert first.cosine(second) > 0.99


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"size_px": 8}, "size_px"),
        ({"colour": "grey"}, "colour"),
        ({"std": (1.0, 0.0, 1.0)}, "std"),
        ({"mean": "none", "colour": "bgrx"}, "colour, mean"),
    ],
)
def test_parameters_that_an_embedder_does_not_take_are_named(
    wrong: dict[str, object], named: str, obtain: Obtain, settings: Settings
) -> None:
    on_disk = changed(
        obtain("standard"), "face_embedder", adapter="onnx_embedder", parameters=GOOD_INPUT | wrong
    )
    with pytest.raises(CatalogInvalid, match=f"^sface: these parameters are no good: {named}"):
        wire_faces(settings, on_disk)


@pytest.mark.parametrize(
    "wrong", [{}, {"slope": "steep", "offset": 0.0}, {"slope": -1.0, "offset": 0.0}]
)
def test_a_scale_that_is_none_stops_the_start(
    wrong: dict[str, object], obtain: Obtain, settings: Settings
) -> None:
    on_disk = changed(obtain("standard"), "face_attack_detector", parameters=wrong)
    with pytest.raises(CatalogInvalid, match=r"^perse_pad: "):
        wire_faces(settings, on_disk)


@pytest.mark.parametrize("name", ["spread_slope", "limit_agreement"])
def test_a_correction_that_is_no_number_stops_the_start(
    name: str, obtain: Obtain, settings: Settings
) -> None:
    whole = obtain("standard")
    parameters = {**whole.cards["speaker_embedder"].parameters, name: "long"}
    on_disk = changed(whole, "speaker_embedder", parameters=parameters)
    with pytest.raises(CatalogInvalid, match=f"^campplus: {name} must be a number"):
        wire_voices(settings, on_disk)
