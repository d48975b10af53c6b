"""The client that blocks."""

from __future__ import annotations

import threading
import time
from typing import Self, TypeVar

import httpx

from perse_client.binding import blocking, iterating
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


class Client:
    """Speaks to one perse server with one API key; threads may share it.

    ``timeout_s``: of each read and write. ``transport``: an ``httpx.HTTPTransport`` of your own,
    for a proxy or a certificate authority of your own. Every method may raise PerseError.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 30.0,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        session = Session(Secret(api_key), time.monotonic)
        self._conversations = Conversations(session, patience or Patience())
        self._http = httpx.Client(**http_settings(base_url, timeout_s), transport=transport)
        self._renewing = threading.Lock()

    detect_faces = blocking(faces.detect_faces)
    compare_faces = blocking(faces.compare_faces)
    compare_with_user = blocking(faces.compare_with_user)

    compare_voices = blocking(voices.compare_voices)
    inspect_recording = blocking(voices.inspect_recording)

    enrol_user = blocking(users.enrol_user)
    update_user = blocking(users.update_user)
    list_users = blocking(users.list_users)
    delete_user = blocking(users.delete_user)
    iter_users = iterating(users.iter_users)

    create_subject = blocking(subjects.create_subject)
    get_subject = blocking(subjects.get_subject)
    change_subject = blocking(subjects.change_subject)
    delete_subject = blocking(subjects.delete_subject)
    list_subjects = blocking(subjects.list_subjects)
    iter_subjects = iterating(subjects.iter_subjects)

    show_ledger = blocking(history.show_ledger)
    iter_ledger = iterating(history.iter_ledger)
    export_subject = blocking(history.export_subject)

    add_face = blocking(samples.add_face)
    list_faces = blocking(samples.list_faces)
    delete_face = blocking(samples.delete_face)
    add_voice = blocking(samples.add_voice)
    list_voices = blocking(samples.list_voices)
    delete_voice = blocking(samples.delete_voice)

    verify_subject = blocking(verification.verify_subject)

    identify = blocking(identification.identify)

    put_collection = blocking(collections.put_collection)
    get_collection = blocking(collections.get_collection)
    list_collections = blocking(collections.list_collections)
    delete_collection = blocking(collections.delete_collection)

    get_access = blocking(access.get_access)
    get_usage = blocking(usage.get_usage)
    get_status = blocking(status.get_status)
    show_audit = blocking(audit.show_audit)
    iter_audit = iterating(audit.iter_audit)
    list_evaluations = blocking(evaluations.list_evaluations)
    get_evaluation = blocking(evaluations.get_evaluation)

    open_liveness_session = blocking(liveness.open_liveness_session)
    get_liveness_session = blocking(liveness.get_liveness_session)
    revoke_liveness_session = blocking(liveness.revoke_liveness_session)

    check_live = blocking(system.check_live)
    check_ready = blocking(system.check_ready)
    get_version = blocking(system.get_version)
    get_metrics = blocking(system.get_metrics)
    get_public_keys = blocking(system.get_public_keys)

    def log_in(self) -> None:
        """See whether the server is there and knows the API key, before anything is to be done."""
        self._do(Renew(self._conversations.session.token))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def carry_out(self, call: Call[T]) -> T:
        """Make a call of ``perse_client.operations``."""
        return self._follow(self._conversations.about(call))

    def _follow(self, conversation: Conversation[T]) -> T:
        reply = None
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as end:
                answer: T = end.value
                return answer
            reply = self._do(step)

    def _do(self, step: Step) -> Reply | None:
        match step:
            case Send():
                return self._send(step)
            case Wait(seconds):
                time.sleep(seconds)
            case Renew(stale):
                with self._renewing:
                    self._follow(self._conversations.about_another_token(stale))
        return None

    def _send(self, step: Send) -> Reply:
        with as_request(step) as request:
            try:
                return self._http.request(**request)
            except httpx.RequestError as error:
                return error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({str(self._http.base_url)!r})"
