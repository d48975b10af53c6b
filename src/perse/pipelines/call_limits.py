"""How often each API key may call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from perse.domain.access import KeyId
from perse.pipelines.reference_ports import Now


class CallBuckets(Protocol):
    def take(self, key_id: KeyId, *, at: datetime) -> None:
        """Count one call. Raises RateLimited."""
        ...


@dataclass(frozen=True, slots=True)
class CallLimits:
    buckets: CallBuckets
    now: Now

    def take(self, key_id: KeyId) -> None:
        """Count one call of now; blocks for a moment. Raises RateLimited."""
        self.buckets.take(key_id, at=self.now())
