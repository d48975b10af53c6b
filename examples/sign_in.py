"""Sign in by face and voice: an application of FastAPI that asks perse.

pip install fastapi python-multipart uvicorn perse-client
PERSE_URL=http://127.0.0.1:8080 PERSE_KEY=... uvicorn sign_in:app
"""

import os
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from perse_client import AsyncClient, PerseError, RequestError, SampleError, TryLater, errors

NOT_YOU = "That is not the person of this name, or there is none."
# What people are told of perse's errors; where nothing stands, what perse says.
ANSWERS: dict[type, tuple[int, str]] = {
    errors.AlreadyExists: (409, "This name is taken."),
    errors.SampleNotFound: (401, NOT_YOU),
    errors.ReferenceUnusable: (401, NOT_YOU),
    SampleError: (422, ""),
    RequestError: (400, ""),
    TryLater: (503, "Too many people at once: try again in a moment."),
}
subject_of_session = dict[str, str]()  # Use a store of your own, in which sessions end.


app = FastAPI(title="Sign in by face and voice")
perse = AsyncClient(os.environ["PERSE_URL"], os.environ["PERSE_KEY"])


class Visitor(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    selfie: UploadFile
    voice: UploadFile
    agreed: bool


@app.post("/register")
async def register(visitor: Annotated[Visitor, Form()]) -> str:
    subject = await perse.create_subject(external_id=visitor.name)
    try:
        await perse.add_face(subject.id, visitor.selfie.file, consent=visitor.agreed)
        added = await perse.add_voice(subject.id, visitor.voice.file, consent=visitor.agreed)
    except PerseError:
        await perse.delete_subject(subject.id)
        raise
    return added.guidance or "Welcome."


@app.post("/sign-in")
async def sign_in(visitor: Annotated[Visitor, Form()], answer: Response) -> str:
    probe = {"image": visitor.selfie.file, "audio": visitor.voice.file}
    for subject in (await perse.list_subjects(external_id=visitor.name)).subjects:
        found = await perse.verify_subject(
            subject.id, **probe, policy="all", consent=visitor.agreed
        )
        if found.is_match:
            session = secrets.token_urlsafe()
            subject_of_session[session] = subject.id
            answer.set_cookie("session", session, httponly=True, secure=True, samesite="strict")
            return f"Welcome back, {visitor.name}."
    raise HTTPException(401, NOT_YOU)


@app.delete("/me")
async def leave(session: Annotated[str, Cookie()] = "") -> str:
    if session not in subject_of_session:
        raise HTTPException(401, "Sign in first.")
    return (await perse.delete_subject(subject_of_session.pop(session))).receipt


@app.exception_handler(PerseError)
async def explain(_: Request, error: PerseError) -> Response:
    known = (ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    status, told = next(known, (500, "Something is wrong here: we look after it."))
    return JSONResponse({"detail": told or error.message}, status)
