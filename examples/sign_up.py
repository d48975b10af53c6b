"""Sign up by a liveness session: an application of FastAPI that asks perse.

pip install fastapi uvicorn perse-client
PERSE_URL=http://127.0.0.1:8080 PERSE_KEY=... uvicorn sign_up:app

Whoever posts a name goes to perse's page, is asked to turn their head, and comes back. If somebody
was really there the face is enrolled; otherwise nothing is kept.
"""

import os
import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urljoin

from fastapi import Cookie, FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

from perse_client import AsyncClient, PerseError, TryLater, errors

URL = os.environ["PERSE_URL"]

app = FastAPI(title="Sign up by a liveness session")
perse = AsyncClient(URL, os.environ["PERSE_KEY"])


class Newcomer(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    agreed: bool
    turns_head: bool = True  # who cannot is asked to look into the camera, which shows less


@dataclass
class Attempt:
    name: str
    subject_id: str
    session_id: str


attempts = dict[
    str, Attempt
]()  # Use a store of your own; delete the subjects that never come back.


@app.post("/sign-up")
async def start(newcomer: Newcomer, answer: Response) -> dict[str, str]:
    try:
        subject = await perse.create_subject(external_id=newcomer.name)
    except errors.AlreadyExists:
        raise HTTPException(409, "This name is taken.") from None
    try:
        opened = await perse.open_liveness_session(
            kind="head_turns" if newcomer.turns_head else "passive",
            subject_id=subject.id,
            on_pass="enrol",
            consent=newcomer.agreed,
        )
    except PerseError as error:
        await perse.delete_subject(subject.id)
        busy = isinstance(error, TryLater)
        raise HTTPException(503 if busy else 400, error.message) from error
    visit = secrets.token_urlsafe()
    attempts[visit] = Attempt(newcomer.name, subject.id, opened.session_id)
    answer.set_cookie("visit", visit, httponly=True, secure=True, samesite="lax")
    return {"go_to": urljoin(URL, opened.capture_url)}


@app.get("/sign-up")
async def finish(visit: Annotated[str, Cookie()] = "") -> str:
    if visit not in attempts:
        raise HTTPException(404, "Sign up first.")
    session = await perse.get_liveness_session(attempts[visit].session_id)
    if not session.is_over:
        return "Not over yet."
    attempt = attempts.pop(visit)
    if session.is_passed:
        return f"Welcome, {attempt.name}."
    await perse.delete_subject(attempt.subject_id)
    raise HTTPException(403, "That did not work: sign up again.")
