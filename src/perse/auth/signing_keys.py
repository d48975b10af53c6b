"""Ed25519 keys that sign and verify session tokens (RFC 8037, RFC 7517)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import InvalidKeyError
from jwt.types import JWKDict
from jwt.utils import base64url_encode

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
        members = OKPAlgorithm.to_jwk(self.public, as_dict=True)
        text = json.dumps(members, separators=(",", ":"), sort_keys=True)
        return base64url_encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")

    def public_jwk(self) -> dict[str, str]:
        return self._described(OKPAlgorithm.to_jwk(self.public, as_dict=True))

    def private_jwk(self) -> dict[str, str]:
        return self._described(OKPAlgorithm.to_jwk(self.private, as_dict=True))

    def _described(self, jwk: Mapping[str, str]) -> dict[str, str]:
        return {**jwk, "alg": "EdDSA", "use": "sig", "kid": self.kid}


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
    except (ValueError, TypeError, AttributeError, InvalidKeyError, UnsupportedAlgorithm):
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


def _from_jwk(jwk: JWKDict) -> SigningKey:
    return _signing(OKPAlgorithm.from_jwk(jwk))


def _from_pem(text: str) -> Sequence[SigningKey]:
    blocks = [part + _PEM_END for part in text.split(_PEM_END) if part.strip()]
    return [_signing(load_pem_private_key(block.strip().encode(), None)) for block in blocks]


def _signing(key: object) -> SigningKey:
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidKeyError("not an Ed25519 private key")
    return SigningKey(key)
