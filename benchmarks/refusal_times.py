"""Does the time of a refusal tell what is there from what is not?

    python -m benchmarks.refusal_times --rounds 6000

A revoked API key against an unknown one, among 1,000 keys; another tenant's user against a token
that was never given, among 1,000 users. Each round asks one of each kind, in random order, in a
SQLite database.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np

from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.references import (
    BiometricReference,
    ReferenceRecord,
    Template,
    UserToken,
    new_user_token,
)
from perse.domain.samples import ModelName
from perse.errors import UserTokenNotFound
from perse.settings import load_settings
from perse.storage.storage import Storage

_MANY = 1_000

Asked = TypeVar("Asked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(load_settings(data_dir=Path(folder), database_url=None))
        print(f"{date.today()}, {rounds} rounds; first quartile and median in us")
        _report(_times_of_keys(ApiKeys(storage.keys), rounds))
        _report(_times_of_users(storage, rounds))
        storage.close()


def _report(times_us: dict[str, list[float]]) -> None:
    for kind, taken_us in times_us.items():
        quarter, median, _ = statistics.quantiles(taken_us, n=4)
        print(f"{kind:12} {quarter:7.1f} {median:7.1f}")


def _times_of_keys(keys: ApiKeys, rounds: int) -> dict[str, list[float]]:
    revoked = []
    for number in range(_MANY):
        _, text = keys.create(str(number))
        if number % 2:
            keys.revoke(str(number))
            revoked.append(text)

    def refuse(text: str) -> None:
        assert keys.find(text) is None

    kinds = {"unknown key": lambda: str(uuid4()), "revoked key": lambda: random.choice(revoked)}
    return _measured(kinds, refuse, rounds)


def _times_of_users(storage: Storage, rounds: int) -> dict[str, list[float]]:
    own, other = (key.tenant_id for key in storage.keys.all()[:2])
    users = [_enrolled(storage, tenant, seed) for seed in range(_MANY) for tenant in (own, other)]
    foreign = users[1::2]

    def refuse(token: UserToken) -> None:
        try:
            storage.references.find(own, token)
        except UserTokenNotFound:
            return
        raise AssertionError("a user of another tenant was found")

    kinds = {"unknown user": new_user_token, "foreign user": lambda: random.choice(foreign)}
    return _measured(kinds, refuse, rounds)


def _enrolled(storage: Storage, tenant_id: TenantId, seed: int) -> UserToken:
    features = np.random.default_rng(seed).normal(size=128).astype(np.float32)
    now, token = datetime.now(UTC), new_user_token()
    record = ReferenceRecord(token, ModelName("net"), {}, now, now)
    entry = ConsentEntry(now, tenant_id, None, Processing.ENROL, Declaration.NOT_NEEDED, token)
    reference = BiometricReference(record, Template.of(features, ModelName("net")))
    storage.references.add(reference, entry=entry)
    return token


def _measured(
    kinds: dict[str, Callable[[], Asked]], refuse: Callable[[Asked], None], rounds: int
) -> dict[str, list[float]]:
    times_us: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        turn: Sequence[tuple[str, Asked]] = [(kind, make()) for kind, make in kinds.items()]
        for kind, asked in random.sample(turn, len(turn)):
            started = time.perf_counter()
            refuse(asked)
            times_us[kind].append((time.perf_counter() - started) * 1e6)
    return times_us


if __name__ == "__main__":
    main()
