"""Questions to other machines and their answers, sealed: whoever carries them can neither read nor
change them, nor pass off one answer for another.

A key for each message, HMAC-SHA256(key, 32 random bytes), with AES-256-GCM: however many messages
there are, none shares its key and nonce with another.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perse.errors import ClusterUnavailable

_SALT_BYTES: Final = 32
_NONCE: Final = bytes(12)
QUESTION: Final = b"question"

Words = Mapping[str, Any]
"""What JSON can say, infinity included."""


@dataclass(frozen=True, slots=True)
class SealedWords:
    """``key``: 32 bytes that all machines of an installation have."""

    key: bytes = field(repr=False)

    def seal(self, words: Words, context: bytes = QUESTION) -> bytes:
        """``context``: of an answer, the sealed question."""
        salt = os.urandom(_SALT_BYTES)
        text = json.dumps(words, separators=(",", ":")).encode()
        return salt + self._of(salt).encrypt(_NONCE, text, context)

    def open(self, sealed: bytes, context: bytes = QUESTION) -> Words:
        """Raises ClusterUnavailable for what somebody without the key made."""
        salt, text = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:]
        try:
            words: Words = json.loads(self._of(salt).decrypt(_NONCE, text, context))
        except InvalidTag:
            raise ClusterUnavailable(
                "a machine of the cluster has another master key or database than this one"
            ) from None
        return words

    def _of(self, salt: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self.key, salt, "sha256"))
