"""What a type checker makes of a program over the client; `make check` runs it, nobody else.

Each line that is ignored here has to be wrong, or the checker complains of the ignoring.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from perse_client import AsyncClient, Client
from perse_client.operations.faces import Detection
from perse_client.operations.subjects import Subject

SELFIE = Path("selfie.jpg")


def blocking(client: Client) -> None:
    assert_type(client.detect_faces(SELFIE, consent=True), Detection)
    assert_type(next(client.iter_subjects()), Subject)
    client.detect_faces("selfie.jpg")  # type: ignore[arg-type]
    client.detect_faces(SELFIE, consnt=True)  # type: ignore[call-arg]
    client.detect_faces()  # type: ignore[call-arg]
    client.verify_subject("id", policy="some")  # type: ignore[arg-type]
    client.detect_faces(SELFIE).total_face  # type: ignore[attr-defined]  # noqa: B018


async def awaiting(client: AsyncClient) -> None:
    assert_type(await client.detect_faces(SELFIE), Detection)
    async for subject in client.iter_subjects():
        assert_type(subject, Subject)
    client.detect_faces(b"-").total_faces  # type: ignore[attr-defined]  # noqa: B018
    client.iter_subjects(page_size="7")  # type: ignore[arg-type]
