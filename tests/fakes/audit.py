"""The audit log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from perse.auth.api_keys import utc_now
from perse.domain.access import Caller, TenantId
from perse.domain.audit import Actor, ActorKind, AuditEntry, AuditLink, Deed, audit_chain
from perse.domain.chains import CHAIN_START
from perse.pipelines.reference_ports import Now

OPERATOR = Actor(ActorKind.COMMAND, "operator@here")


@dataclass
class FakeAuditLog:
    """``alone``: whether there is no other tenant."""

    now: Now = utc_now
    alone: bool = True
    key: bytes = bytes(32)
    links: list[AuditLink] = field(default_factory=list)

    def note(self, deed: Deed, *, caller: Caller | None = None) -> None:
        entry = AuditEntry(self.now(), Actor.of(caller) if caller else OPERATOR, deed)
        after = self.links[-1].point if self.links else CHAIN_START
        self.links += audit_chain(self.key).links([entry], after=after)

    def page(
        self, tenant_id: TenantId, *, after: int, limit: int, since: datetime | None = None
    ) -> Sequence[AuditLink]:
        seen = {tenant_id, None} if self.alone else {tenant_id}
        return [
            link
            for link in self.links
            if link.point.seq > after
            and link.entry.deed.tenant_id in seen
            and (since is None or link.entry.at >= since)
        ][:limit]

    def intact(self, link: AuditLink) -> bool:
        return audit_chain(self.key).intact(link)

    @property
    def deeds(self) -> list[Deed]:
        return [link.entry.deed for link in self.links]
