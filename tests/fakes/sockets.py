"""A socket of the tests' own: it repeats what it hears."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

from perse.api.http.calls import Call
from perse.api.http.conversation import Conversation, SocketLimits
from perse.api.http.sockets import SocketOperation, Welcome
from perse.errors import Unauthorized

PATH, SUBPROTOCOL, TOKEN = "/echo", "perse.echo.v1", "let-me-in"


async def admit(call: Call, token: str) -> Welcome:
    """Whoever knows the token; what stands behind it is the party."""
    name, _, party = token.partition(".")
    if name != TOKEN:
        raise Unauthorized("that is not the token")
    return Welcome(party or "somebody", repeat)


async def repeat(conversation: Conversation) -> None:
    """Tell of bytes what they were, and JSON as it came; and do what is asked."""
    while (heard := await conversation.receive()) != {"end": True}:
        if isinstance(heard, bytes):
            await conversation.send_json({"size": len(heard), "sha256": sha256(heard).hexdigest()})
        elif not await _obeyed(heard, conversation):
            facts = {"origin": conversation.request.headers.get("origin"), "pid": os.getpid()}
            await conversation.send_json({**heard, **facts})


async def _obeyed(heard: Mapping[str, object], conversation: Conversation) -> bool:
    match dict(heard):
        case {"say": size}:
            await conversation.send_json({"said": "x" * int(str(size))})
        case {"close": code}:
            conversation.close(int(str(code)), "as you like")
        case {"break": _}:
            raise RuntimeError("broken")
        case _:
            return False
    return True


def echo(limits: SocketLimits | None = None) -> SocketOperation:
    return SocketOperation(
        PATH,
        SUBPROTOCOL,
        admit,
        summary="Repeats what it hears",
        description="Bytes are answered by their size and SHA-256, JSON by the same JSON.",
        limits=limits or SocketLimits(),
        errors=(Unauthorized,),
    )
