"""One run of everything before the first request, which is then as fast as the tenth."""

from __future__ import annotations

import cv2
import numpy as np

from perse.bootstrap.faces import FaceServices
from perse.bootstrap.voices import VoiceServices
from perse.domain.geometry import Box, DetectedFace, Landmarks
from perse.domain.samples import VoiceSample
from perse.domain.speech import SpeechSegment
from perse.pipelines.moving import Recognition

_SIZE_PX = (1080, 1320)
_POINTS = [[270, 280], [370, 280], [320, 340], [280, 400], [360, 400]]
_RATE_HZ = 16_000
_LENGTH_S = 3


def warm_faces(faces: FaceServices, previous: Recognition | None = None) -> None:
    """Decode a grey picture of a phone's size and run every face network on it, as if there were
    a face."""
    grey = np.full((_SIZE_PX[1], _SIZE_PX[0], 3), 128, np.uint8)
    image = faces.decode(cv2.imencode(".jpg", grey)[1].tobytes())
    landmarks = Landmarks(np.array(_POINTS, np.float32))
    face = DetectedFace(Box(200, 180, 240, 300), landmarks, 1.0)
    capture = faces.capture
    capture.find(image)
    capture.assess.quality.of_image(image)
    capture.assess(image, face)
    capture.embedder.embed(image, landmarks)
    if previous:
        previous.compare.capture.embedder.embed(image, landmarks)


def warm_voices(voices: VoiceServices) -> None:
    """Run every voice network on faint noise, as if somebody spoke."""
    noise = np.random.default_rng(0).normal(0, 0.01, _LENGTH_S * _RATE_HZ).astype(np.float32)
    sample = VoiceSample(noise, _RATE_HZ)
    voices.capture.detector.detect(sample)
    voices.capture.embedder.embed(sample, [SpeechSegment(0, _LENGTH_S)])
