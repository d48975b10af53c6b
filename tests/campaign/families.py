"""Everything that reads what strangers send: good inputs of each kind, and what happened to one.

A reader's answer is a success or one of our errors. Whatever else it does is a fault.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from perse.errors import InputError
from perse.media.audio_decoder import AudioLimits, decode_audio
from perse.media.image_decoder import ImageLimits, decode_image
from tests.campaign.requests import good_credentials, good_requests, requests_of_people
from tests.fakes.services import FakeServices
from tests.media.mutations import good_files
from tests.media.recordings import good_recordings
from tests.served import Served, serving

_SIGNATURE_BYTES = 12
_METHOD_BYTES = 4
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_IMAGE_LIMITS = ImageLimits(max_pixels=4_000_000, max_scans=10)
_AUDIO_LIMITS = AudioLimits(max_duration_s=5, max_values=1_000_000)


class Fault(Exception):
    """A stranger's input had an effect that nothing may have."""


@dataclass(frozen=True, slots=True)
class Family:
    """``take`` names the answer to an input and lets faults through; mutations leave the first
    ``kept`` bytes of a good input alone; ``share`` is the part of a campaign that it gets."""

    name: str
    good: Mapping[str, bytes]
    take: Callable[[bytes], str]
    kept: int
    share: float


@contextmanager
def families(*, patience_s: float = 0.02) -> Iterator[tuple[Family, ...]]:
    """All of them, over a real server with fake networks and storage.

    ``patience_s`` is how long a request that may have no end is left open for an answer.
    """
    with serving(FakeServices()) as served:

        def answer(request: bytes) -> str:
            return _answer(served, request, patience_s)

        key = served.services.api_key
        yield (
            Family("pictures", good_files(), _picture, _SIGNATURE_BYTES, share=0.5),
            Family("recordings", good_recordings(), _recording, _SIGNATURE_BYTES, share=0.3),
            Family("requests", good_requests(key), answer, _METHOD_BYTES, share=0.1),
            Family("people", requests_of_people(served.services), answer, 3, share=0.05),
            Family("credentials", good_credentials(served.services), answer, 0, share=0.05),
        )


def _picture(data: bytes) -> str:
    try:
        image = decode_image(data, _IMAGE_LIMITS)
    except InputError as error:
        return error.code
    if image.width_px * image.height_px > _IMAGE_LIMITS.max_pixels:
        raise Fault("a picture beyond the limit was decoded")
    return "decoded"


def _recording(data: bytes) -> str:
    try:
        sample = decode_audio(data, _AUDIO_LIMITS)
    except InputError as error:
        return error.code
    if sample.duration_s > _AUDIO_LIMITS.max_duration_s + 0.1:
        raise Fault("a recording beyond the limit was decoded")
    return "decoded"


def _answer(served: Served, request: bytes, patience_s: float) -> str:
    """The status of the answer to ``request``; ``closed`` without one, because it has no end."""
    with served.connect() as connection:
        connection.sendall(request)
        # A server that has begun to answer goes on; one that waits for more learns that none comes.
        select.select([connection], [], [], patience_s)
        connection.shutdown(socket.SHUT_WR)
        answer = bytearray()
        while chunk := connection.recv(65536):
            answer += chunk
    statuses = [status.decode() for status in _STATUS.findall(answer)]
    if "500" in statuses:
        raise Fault(f"answered {' '.join(statuses)}")
    return statuses[0] if statuses else "closed"
