"""perse as a library, over fake networks."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from perse.bootstrap.faces import FaceServices
from perse.bootstrap.voices import VoiceServices
from perse.domain.samples import FaceImage
from perse.engine import Engine
from perse.errors import InvalidParameter, NoFaceDetected
from tests.fakes.faces import EMPTY_SCENE, FakeFaces, picture
from tests.fakes.voices import FakeVoices, recording


def engine(faces: FakeFaces | None = None, opened: list[str] | None = None) -> Engine:
    """``opened`` hears what was opened, in order."""
    opened = [] if opened is None else opened

    def open_faces() -> FaceServices:
        opened.append("faces")
        return cast(FaceServices, faces or FakeFaces())

    def open_voices() -> VoiceServices:
        opened.append("voices")
        return cast(VoiceServices, FakeVoices())

    return Engine(open_faces, open_voices)


def test_networks_are_opened_when_they_are_first_needed_and_once() -> None:
    opened: list[str] = []
    with engine(opened=opened) as perse:
        for _ in range(2):
            perse.compare_voices(recording(1), recording(1))
        assert opened == ["voices"]
        for _ in range(2):
            perse.compare(picture(1), picture(1))
        assert opened == ["voices", "faces"]


def test_what_is_neither_bytes_nor_path_nor_array_is_refused() -> None:
    with engine() as perse:
        with pytest.raises(InvalidParameter, match="as bytes, as a path or as an RGB array"):
            perse.detect(7)  # type: ignore[arg-type]
        with pytest.raises(InvalidParameter, match="as bytes, as a path or as a VoiceSample"):
            perse.compare_voices(recording(), 7)  # type: ignore[arg-type]
        with pytest.raises(InvalidParameter, match="absent cannot be read"):
            perse.detect("absent")


def test_a_second_half_that_has_not_begun_is_dropped_when_the_first_one_fails() -> None:
    occupied, free = threading.Event(), threading.Event()

    class Faces(FakeFaces):
        """A person 99 takes as long as the test wants."""

        def decode(self, content: bytes) -> FaceImage:
            image = super().decode(content)
            if image.pixels[0, 0, 0] == 99:
                occupied.set()
                assert free.wait(10)
            return image

    faces = Faces()
    with engine(faces) as perse:
        long = threading.Thread(target=perse.compare, args=(picture(1), picture(99)))
        long.start()
        assert occupied.wait(10)
        with pytest.raises(NoFaceDetected):
            perse.compare(EMPTY_SCENE, picture(2, size=1000))
        free.set()
        long.join(10)
    assert not any(length > 1000 for length in faces.decoded)


def test_a_gallery_of_pictures_finds_who_is_on_one() -> None:
    with engine() as perse, perse.open_gallery() as gallery:
        gallery.add("ann", picture(1))
        gallery.add("bob", perse.face_template(picture(2)))
        found = gallery.identify(picture(1))
        assert [it.subject for it in found.candidates] == ["ann"]
        expected = perse.compare(picture(1), picture(1))
        assert found.candidates[0].similarity == pytest.approx(expected.similarity, abs=0.01)
        assert gallery.identify(picture(3)).candidates == ()
        with pytest.raises(NoFaceDetected):
            gallery.identify(EMPTY_SCENE)
