"""Quotas in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from perse.domain.access import TenantId
from perse.domain.quotas import Grant, Quota, Use, check_most, granted, window_at

Counted = tuple[datetime, int]


@dataclass
class FakeQuotas:
    """The contract that ``SqlQuotas`` keeps too, for every tenant there may be. ``leases``: how
    often somebody asked."""

    most: dict[tuple[TenantId, Quota], int] = field(default_factory=dict)
    counted: dict[tuple[TenantId, Quota], Counted] = field(default_factory=dict)
    leases: int = 0

    def set(self, tenant_id: TenantId, quota: Quota, most: int | None) -> None:
        self.most.pop((tenant_id, quota), None)
        if most is not None:
            self.most[tenant_id, quota] = check_most(most)

    def use(self, tenant_id: TenantId, *, at: datetime) -> Sequence[Use]:
        mine = self._of(tenant_id)
        windows = [
            Use(it, self._used(tenant_id, it, at), mine[it], window_at(it, at)[1])
            for it in Quota
            if it.window and it in mine
        ]
        held = [Use(it, 0, mine.get(it)) for it in (Quota.PEOPLE, Quota.SAMPLES)]
        return [*windows, *held]

    def lease(
        self, tenant_id: TenantId, held: Mapping[Quota, int], *, at: datetime
    ) -> Mapping[Quota, Grant]:
        self.leases += 1
        grants = {}
        for quota, most in self._of(tenant_id).items():
            if quota.window:
                begins, ends = window_at(quota, at)
                used = self._used(tenant_id, quota, at)
                size = granted(most, counted=used, held=held.get(quota, 0))
                self.counted[tenant_id, quota] = (begins, used + size)
                grants[quota] = Grant(most, size, ends)
        return grants

    def _of(self, tenant_id: TenantId) -> Mapping[Quota, int]:
        return {quota: most for (whose, quota), most in self.most.items() if whose == tenant_id}

    def _used(self, tenant_id: TenantId, quota: Quota, at: datetime) -> int:
        begins, used = self.counted.get((tenant_id, quota), (at, 0))
        return used if begins == window_at(quota, at)[0] else 0
