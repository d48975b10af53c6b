"""The real search over a feed in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from perse.domain.access import TenantId
from perse.domain.references import Modality, Template, UserToken
from perse.pipelines.comparison import Picture
from perse.pipelines.identification import FindDuplicates, IdentifySubjects
from perse.search.live_search import LiveSearch
from tests.fakes.faces import FakeFaces, picture
from tests.fakes.subject_feed import FakeFeed


@dataclass
class FakeSearching:
    """``most_bytes``: of all indexes."""

    faces: FakeFaces
    feed: FakeFeed = field(default_factory=FakeFeed)
    most_bytes: int = 1_000_000_000

    def __post_init__(self) -> None:
        self.index = LiveSearch(self.feed, {Modality.FACE: self.faces.searched}, self.most_bytes)

    @property
    def identify(self) -> IdentifySubjects:
        return IdentifySubjects(self.faces.capture, self.index, self.feed)

    @property
    def duplicates(self) -> FindDuplicates:
        return FindDuplicates(self.index, self.feed)

    def template(self, identity: int) -> Template:
        """Of another picture of that person."""
        shown = Picture("a picture", lambda: self.faces.decode(picture(identity)))
        return self.faces.capture(shown).template

    def enrol(self, tenant_id: TenantId, *identities: int, collection: str = "") -> list[UserToken]:
        """A subject for each of these people."""
        collections = [collection] if collection else []
        return [
            self.feed.put(self.template(one), tenant=tenant_id, collections=collections)
            for one in identities
        ]
