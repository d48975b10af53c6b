"""An evaluation measures just what the server does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perse.bootstrap.evaluation import evaluated
from perse.bootstrap.faces import wire_faces
from perse.errors import LivenessUnavailable, SetupError
from perse.evaluation.local_points import Kind
from perse.settings import Settings
from tests.bootstrap.conftest import Obtain
from tests.bootstrap.test_adapters import changed, portrait
from tests.journeys.test_voices import recorded
from tests.media.pictures import PORTRAITS
from tests.synthetic_speech import ALICE


def test_a_face_is_acquired_as_the_server_captures_it(obtain: Obtain, settings: Settings) -> None:
    on_disk = obtain("standard")
    pipeline, faces = evaluated("face", settings, on_disk), wire_faces(settings, on_disk)
    acquired = pipeline.acquire((PORTRAITS / "obama_2012.jpg").read_bytes())
    captured = faces.capture(portrait("obama_2012"))
    np.testing.assert_array_equal(acquired.vector, captured.template.vector)
    assert captured.pad is not None
    assert acquired.pad == captured.pad.value
    assert {"sharpness", "rotation", "inter_eye_px"} <= set(acquired.measures)
    assert pipeline.default_fmr == on_disk.pack.default_fmr
    assert pipeline.served is not None
    scale = faces.compare.scale.points
    assert scale.similarity(pipeline.served) == pytest.approx(faces.thresholds.similarity)


def test_a_voice_is_acquired_with_its_qualities(obtain: Obtain, settings: Settings) -> None:
    pipeline = evaluated("voice", settings, obtain("standard"))
    acquired = pipeline.acquire(recorded(ALICE))
    assert np.linalg.norm(acquired.vector) == pytest.approx(1, abs=1e-5)
    assert acquired.measures["net_speech_s"] > 1
    assert pipeline.correction is not None


@pytest.mark.parametrize("kind", ["face", "voice", "liveness"])
def test_the_provenance_names_networks_and_no_folder(
    kind: Kind, obtain: Obtain, settings: Settings
) -> None:
    told = evaluated(kind, settings, obtain("standard")).provenance(
        Path("/somewhere/of/anna/pictures")
    )
    assert (told.kind, told.source, told.pack) == (kind, "pictures", "standard")
    assert len(told.networks) == 2


def test_templates_of_other_networks_are_kept_apart(obtain: Obtain, settings: Settings) -> None:
    on_disk = obtain("standard")
    other = changed(on_disk, "face_embedder", sha256="0" * 64)
    names = {evaluated("face", settings, pack).cache_name for pack in (on_disk, other)}
    assert len(names) == 2


def test_a_pack_without_the_networks_says_so(obtain: Obtain, settings: Settings) -> None:
    whole = obtain("standard")
    roles = {"face_detector", "face_embedder"}
    on_disk = replace(whole, cards={r: card for r, card in whole.cards.items() if r in roles})
    with pytest.raises(LivenessUnavailable, match="choose another with --pack"):
        evaluated("liveness", settings, on_disk)
    with pytest.raises(SetupError, match="no networks for voices"):
        evaluated("voice", settings, on_disk)
