"""The client that awaits."""

from __future__ import annotations

import asyncio
import time
from typing import Self, TypeVar

import httpx

from perse_client.binding import async_iterating, awaiting
from perse_client.call import Call
from perse_client.conversation import Conversation, Conversations, Renew, Send, Step, Wait
from perse_client.operations import (
    access,
    audit,
    collections,
    evaluations,
    faces,
    history,
    identification,
    liveness,
    samples,
    status,
    subjects,
    system,
    usage,
    users,
    verification,
    voices,
)
from perse_client.patience import Patience
from perse_client.replies import Reply
from perse_client.session import Secret, Session
from perse_client.transport import as_request, http_settings

T = TypeVar("T")


class AsyncClient:
    """As ``Client``, for one event loop of asyncio; tasks may share it."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 30.0,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        session = Session(Secret(api_key), time.monotonic)
        self._conversations = Conversations(session, patience or Patience())
        self._http = httpx.AsyncClient(**http_settings(base_url, timeout_s), transport=transport)
        self._renewing = asyncio.Lock()

    detect_faces = awaiting(faces.detect_faces)
    compare_faces = awaiting(faces.compare_faces)
    compare_with_user = awaiting(faces.compare_with_user)

    compare_voices = awaiting(voices.compare_voices)
    inspect_recording = awaiting(voices.inspect_recording)

    enrol_user = awaiting(users.enrol_user)
    update_user = awaiting(users.update_user)
    list_users = awaiting(users.list_users)
    delete_user = awaiting(users.delete_user)
    iter_users = async_iterating(users.iter_users)

    create_subject = awaiting(subjects.create_subject)
    get_subject = awaiting(subjects.get_subject)
    change_subject = awaiting(subjects.change_subject)
    delete_subject = awaiting(subjects.delete_subject)
    list_subjects = awaiting(subjects.list_subjects)
    iter_subjects = async_iterating(subjects.iter_subjects)

    show_ledger = awaiting(history.show_ledger)
    iter_ledger = async_iterating(history.iter_ledger)
    export_subject = awaiting(history.export_subject)

    add_face = awaiting(samples.add_face)
    list_faces = awaiting(samples.list_faces)
    delete_face = awaiting(samples.delete_face)
    add_voice = awaiting(samples.add_voice)
    list_voices = awaiting(samples.list_voices)
    delete_voice = awaiting(samples.delete_voice)

    verify_subject = awaiting(verification.verify_subject)

    identify = awaiting(identification.identify)

    put_collection = awaiting(collections.put_collection)
    get_collection = awaiting(collections.get_collection)
    list_collections = awaiting(collections.list_collections)
    delete_collection = awaiting(collections.delete_collection)

    get_access = awaiting(access.get_access)
    get_usage = awaiting(usage.get_usage)
    get_status = awaiting(status.get_status)
    show_audit = awaiting(audit.show_audit)
    iter_audit = async_iterating(audit.iter_audit)
    list_evaluations = awaiting(evaluations.list_evaluations)
    get_evaluation = awaiting(evaluations.get_evaluation)

    open_liveness_session = awaiting(liveness.open_liveness_session)
    get_liveness_session = awaiting(liveness.get_liveness_session)
    revoke_liveness_session = awaiting(liveness.revoke_liveness_session)

    check_live = awaiting(system.check_live)
    check_ready = awaiting(system.check_ready)
    get_version = awaiting(system.get_version)
    get_metrics = awaiting(system.get_metrics)
    get_public_keys = awaiting(system.get_public_keys)

    async def log_in(self) -> None:
        """See whether the server is there and knows the API key, before anything is to be done."""
        await self._do(Renew(self._conversations.session.token))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def carry_out(self, call: Call[T]) -> T:
        """Make a call of ``perse_client.operations``."""
        return await self._follow(self._conversations.about(call))

    async def _follow(self, conversation: Conversation[T]) -> T:
        reply = None
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as end:
                answer: T = end.value
                return answer
            reply = await self._do(step)

    async def _do(self, step: Step) -> Reply | None:
        match step:
            case Send():
                return await self._send(step)
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Renew(stale):
                async with self._renewing:
                    await self._follow(self._conversations.about_another_token(stale))
        return None

    async def _send(self, step: Send) -> Reply:
        with as_request(step) as request:
            try:
                return await self._http.request(**request)
            except httpx.RequestError as error:
                return error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({str(self._http.base_url)!r})"
