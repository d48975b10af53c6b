"""Templates at rest: AES-256-GCM (NIST SP 800-38D), 96-bit random nonces, one data key each.

A data key seals one template and is itself wrapped by the tenant's key, which the master key wraps.
What a seal is bound to (tenant, user, sample, model) is authenticated with it, so that a row moved
to another user, tenant, sample or model does not open.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perse.domain.access import TenantId
from perse.domain.references import SampleId, Template, Traits, UserToken
from perse.domain.samples import ModelName
from perse.errors import StorageDamaged

KEY_BYTES = 32
_NONCE_BYTES = 12
_VALUE_BYTES = 4
_TRAITS = struct.Struct("<ffB")
WRAPPED_KEY_BYTES = _NONCE_BYTES + KEY_BYTES + 16


def new_key() -> bytes:
    """32 bytes from the operating system."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, content: bytes, *bound_to: str) -> bytes:
    """Nonce, ciphertext and tag: 28 bytes longer than ``content``."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, _associated(bound_to))


def unseal(key: bytes, sealed: bytes, *bound_to: str) -> bytes:
    """Raises StorageDamaged unless ``key`` sealed exactly this, bound to exactly that."""
    try:
        return AESGCM(key).decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _associated(bound_to)
        )
    except (InvalidTag, ValueError):
        raise StorageDamaged(
            f"a stored {bound_to[0]} does not authenticate: a row was changed or swapped; "
            "restore it from a backup or delete it"
        ) from None


def _associated(parts: tuple[str, ...]) -> bytes:
    """A JSON array, as ``json.dumps`` writes it: put together here, it takes a fifth of the time,
    and a search reads a million of them."""
    return f'["perse", {", ".join(map(encode_basestring_ascii, parts))}]'.encode()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose template it is. ``sample_id``: which of them; None for the one that goes by the
    token of its user."""

    tenant_id: TenantId
    user_token: UserToken
    sample_id: SampleId | None = None

    @property
    def which(self) -> tuple[str, ...]:
        """What a seal is bound to beside the tenant and the user."""
        return (self.sample_id,) if self.sample_id else ()


def seal_template(template: Template, owner: Owner, *, tenant_key: bytes) -> bytes:
    """An envelope that holds the sealed template and its own wrapped data key."""
    data_key = new_key()
    sealed = seal(data_key, _packed(template), *_template_binding(owner, template.model))
    return sealed + _wrap(data_key, owner, tenant_key)


def open_template(
    envelope: bytes, owner: Owner, *, model: ModelName, tenant_key: bytes
) -> Template:
    """Raises StorageDamaged for an envelope of another user, tenant or model, or a changed one."""
    sealed, wrapped = envelope[:-WRAPPED_KEY_BYTES], envelope[-WRAPPED_KEY_BYTES:]
    data_key = unseal(tenant_key, wrapped, *_key_binding(owner))
    return _unpacked(unseal(data_key, sealed, *_template_binding(owner, model)), model)


def rewrap_template(envelope: bytes, owner: Owner, *, old_key: bytes, new_key: bytes) -> bytes:
    """The same envelope, its data key wrapped by another tenant key. Raises StorageDamaged."""
    data_key = unseal(old_key, envelope[-WRAPPED_KEY_BYTES:], *_key_binding(owner))
    return envelope[:-WRAPPED_KEY_BYTES] + _wrap(data_key, owner, new_key)


def _wrap(data_key: bytes, owner: Owner, tenant_key: bytes) -> bytes:
    return seal(tenant_key, data_key, *_key_binding(owner))


def _key_binding(owner: Owner) -> tuple[str, ...]:
    return ("data key", owner.tenant_id, owner.user_token, *owner.which)


def _template_binding(owner: Owner, model: ModelName) -> tuple[str, ...]:
    return ("template", owner.tenant_id, owner.user_token, model, *owner.which)


def _packed(template: Template) -> bytes:
    """The values; behind them the traits and one byte more, so that no whole number of values is
    ever taken for the other. Templates of before there were traits are values alone."""
    values = template.vector.astype("<f4").tobytes()
    traits = template.traits
    return values + (_TRAITS.pack(traits.length, traits.mirror_cosine, 0) if traits else b"")


def _unpacked(content: bytes, model: ModelName) -> Template:
    traits = None
    if len(content) % _VALUE_BYTES:
        content, packed = content[: -_TRAITS.size], content[-_TRAITS.size :]
        length, mirror_cosine, _ = _TRAITS.unpack(packed)
        traits = Traits(length, mirror_cosine)
    return Template(np.frombuffer(content, dtype="<f4").astype(np.float32), model, traits)
