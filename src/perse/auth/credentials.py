"""What the headers of a request say of who sends it (RFC 9110 §11, RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from perse.errors import Unauthorized

_SCHEME = "bearer"
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){2}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was sent of ours; None where nothing was. repr shows neither."""

    token: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


def read_credentials(authorization: Sequence[str], api_key: Sequence[str]) -> Credentials:
    """The credentials in the values of the headers Authorization and x-api-key.

    Other schemes, such as the Basic of a proxy's own password, are meant for somebody else and
    decide nothing. Raises Unauthorized when one header brings two different credentials of ours.
    """
    tokens = {token for value in authorization if (token := session_token(value)) is not None}
    keys = {key for value in api_key if (key := value.strip())}
    return Credentials(_the_only(tokens, "session tokens"), _the_only(keys, "API keys"))


def session_token(authorization: str) -> str | None:
    """The token of an Authorization header, None when its scheme is not ours.

    The word Bearer may be missing before what has the form of a token. With the word, whatever
    follows was meant for us, even nothing at all.
    """
    scheme, *rest = authorization.split(None, 1) or [""]
    if scheme.lower() == _SCHEME:
        return rest[0].strip() if rest else ""
    return scheme if not rest and _COMPACT_JWS.fullmatch(scheme) else None


def _the_only(sent: Set[str], kind: str) -> str | None:
    if len(sent) > 1:
        raise Unauthorized(f"the request has {len(sent)} different {kind}: send one")
    return next(iter(sent), None)
