"""References and entries to store."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from perse.domain.access import ApiKey, KeyId, TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims
from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    Template,
    UserToken,
    new_user_token,
)
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.search.measured import Measured
from perse.storage.api_keys import SqlKeys

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ACME, OTHER = TenantId("acme"), TenantId("other")
QUALITY = {"underexposure": 0.1, "overexposure": 0.0, "sharpness": 0.8}

_POINTS = SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-5, 0.6)])
# What is known of the network of the templates here.
SCALE = ResemblanceScale(_POINTS)
SEARCHED = Measured(ModelName("net"), SearchClaims(_POINTS, lowest_fmr=1e-5))


def template(seed: int = 1, *, values: int = 512, model: str = "net") -> Template:
    features = np.random.default_rng(seed).normal(size=values).astype(np.float32)
    return Template.of(features, ModelName(model))


def reference(
    seed: int = 1,
    *,
    token: UserToken | None = None,
    at: datetime = NOW,
    model: str = "net",
    values: int = 512,
) -> BiometricReference:
    made = template(seed, model=model, values=values)
    record = ReferenceRecord(token or new_user_token(), made.model, QUALITY, at, at)
    return BiometricReference(record, made)


def moved(before: BiometricReference, seed: int = 2) -> BiometricReference:
    """What a move to another network puts in the place of ``before``."""
    made = template(seed, model="new-net", values=128)
    record = replace(before.record, model=made.model, quality={"sharpness": 0.9})
    return BiometricReference(record, made)


def entry(
    tenant: TenantId = ACME,
    operation: Processing = Processing.ENROL,
    *,
    token: UserToken | None = None,
    at: datetime = NOW,
) -> ConsentEntry:
    return ConsentEntry(at, tenant, KeyId("key-1"), operation, Declaration.GIVEN, token, "testing")


def api_key(name: str, *, tenant: TenantId = ACME, at: datetime = NOW) -> ApiKey:
    digest = hashlib.sha256(uuid.uuid4().bytes).digest()
    return ApiKey(KeyId(str(uuid.uuid4())), tenant, name, digest, at)


def with_tenants(keys: SqlKeys) -> None:
    for tenant in (ACME, OTHER):
        keys.add(api_key(f"key of {tenant}", tenant=tenant))
