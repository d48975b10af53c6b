"""Ed25519 keys that sign and verify session tokens (RFC 8037, RFC 7517)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from perse.errors import SettingsInvalid

_PEM_END = "-----END PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key. ``kid`` is its RFC 7638 thumbprint, so equal keys have equal names."""

    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(Ed25519PrivateKey.generate())

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @property
    def kid(self) -> str:
        members = {"crv": "Ed25519", "kty": "OKP", "x": self._x}
        text = json.dumps(members, separators=(",", ":"), sort_keys=True)
        return _base64url(hashlib.sha256(text.encode("ascii")).digest())

    @property
    def _x(self) -> str:
        return _base64url(self.public.public_bytes_raw())

    def public_jwk(self) -> dict[str, str]:
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.kid,
            "x": self._x,
        }

    def private_jwk(self) -> dict[str, str]:
        return self.public_jwk() | {"d": _base64url(self.private.private_bytes_raw())}


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The first key signs; tokens of every one of them are accepted."""

    keys: tuple[SigningKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise SettingsInvalid("a list of signing keys needs at least one key")

    @property
    def newest(self) -> SigningKey:
        return self.keys[0]

    def public_key(self, kid: object) -> Ed25519PublicKey | None:
        return next((key.public for key in self.keys if key.kid == kid), None)

    def public_by_kid(self) -> Mapping[str, Ed25519PublicKey]:
        return {key.kid: key.public for key in self.keys}

    def public_jwks(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [key.public_jwk() for key in self.keys]}

    def private_jwks(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [key.private_jwk() for key in self.keys]}

    def rotated(self, *, keep: int = 2) -> SigningKeys:
        """A fresh key first, then the ``keep`` newest of the old ones, whose tokens stay valid."""
        return SigningKeys((SigningKey.generate(), *self.keys[:keep]))


def parse_signing_keys(text: str) -> SigningKeys:
    """Keys from a JWK set, a single JWK, or PEM (PKCS #8) blocks one after another.

    Raises SettingsInvalid, never repeating what was read, for anything but Ed25519 private keys.
    """
    try:
        keys = _from_json(text) if text.lstrip().startswith("{") else _from_pem(text)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        keys = ()
    if not keys:
        raise SettingsInvalid(
            "the token signing keys cannot be read: give a JWK set or PEM blocks of Ed25519 "
            "private keys, the key that signs first"
        )
    return SigningKeys(tuple(keys))


def _from_json(text: str) -> Sequence[SigningKey]:
    document = json.loads(text)
    return [_from_jwk(jwk) for jwk in document.get("keys", [document])]


def _from_jwk(jwk: Mapping[str, Any]) -> SigningKey:
    if jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519":
        raise ValueError("not an Ed25519 key")
    padded = jwk["d"] + "=" * (-len(jwk["d"]) % 4)
    return SigningKey(Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(padded)))


def _from_pem(text: str) -> Sequence[SigningKey]:
    blocks = [part + _PEM_END for part in text.split(_PEM_END) if part.strip()]
    loaded = [load_pem_private_key(block.strip().encode(), password=None) for block in blocks]
    if not all(isinstance(key, Ed25519PrivateKey) for key in loaded):
        raise ValueError("not an Ed25519 key")
    return [SigningKey(key) for key in loaded if isinstance(key, Ed25519PrivateKey)]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
