"""A request that may arrive twice: the client names it, and the second one gets the first's answer.

After the IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from perse.errors import InvalidParameter

LONGEST_NAME = 255
NAME_PATTERN = "^[!-~]+$"


@dataclass(frozen=True, slots=True)
class RetryKey:
    """``key``: SHA-256 of the client's name for the request; ``request``: what tells whether the
    request is the same, 32 bytes that say nothing about the picture to others. ``lasting``: kept
    for good and not for a day, for what stands for an item of a source."""

    key: bytes
    request: bytes
    lasting: bool = False

    @classmethod
    def for_content(cls, name: str, content: bytes, *, secret: bytes) -> RetryKey:
        """Of a request that sends ``content``, such as a picture; ``secret`` is 16 to 64 bytes
        long and keeps anyone from trying pictures against what is stored."""
        digest = hashlib.blake2b(content, key=secret, digest_size=32).digest()
        return cls.of(name, request=digest)

    @classmethod
    def of(cls, name: str, *, request: bytes) -> RetryKey:
        """Raises InvalidParameter unless ``name`` is 1 to 255 visible ASCII characters."""
        if len(name) > LONGEST_NAME or not re.fullmatch(NAME_PATTERN.strip("^$"), name):
            raise InvalidParameter(
                f"Idempotency-Key must be sent once, with 1 to {LONGEST_NAME} visible ASCII "
                "characters and no blanks, such as a UUID"
            )
        return cls(hashlib.sha256(name.encode()).digest(), request)

    @classmethod
    def of_item(cls, name: str, *, secret: bytes) -> RetryKey:
        """Lasting: of an item of a source by its name, whatever its content; ``secret`` keeps
        anyone from trying names against what is stored."""
        digest = hashlib.blake2b(name.encode(errors="surrogateescape"), key=secret, digest_size=32)
        return cls(digest.digest(), digest.digest(), lasting=True)

    def __repr__(self) -> str:
        return "RetryKey()"


# Of a client's name for a request, and what the request sends. Raises InvalidParameter.
NameRetry = Callable[[str, bytes], RetryKey]
