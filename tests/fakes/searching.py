"""The real search over a feed in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from perse.bootstrap.searching import Searching
from perse.domain.access import TenantId
from perse.domain.identification import SearchClaims
from perse.domain.likeness import FaceLikeness
from perse.domain.modality_fusion import Evidence, ModalityFusion
from perse.domain.references import Modality, Template, UserToken
from perse.domain.voices import CapturedVoice
from perse.pipelines.comparison import Picture
from perse.pipelines.identification import FindDuplicates, IdentifySubjects
from perse.pipelines.voice import Recording
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from tests.fakes.faces import SCALE, FakeFaces, picture
from tests.fakes.sharding import FakeMachines
from tests.fakes.subject_feed import FakeFeed
from tests.fakes.voices import SCALE as VOICE_SCALE
from tests.fakes.voices import FakeVoices, HearingEmbedder, recording

FUSION = ModalityFusion(
    Evidence(steepness=32, middle=0.625, highest=0.9, lost=0.1),
    Evidence(steepness=42, middle=0.57, highest=0.7, lost=0.1),
)
VOICES = Measured(HearingEmbedder().model, SearchClaims(VOICE_SCALE, lowest_fmr=1e-3))


@dataclass
class FakeSearching:
    """``most_bytes``: of all indexes."""

    faces: FakeFaces
    voices: FakeVoices | None = field(default_factory=FakeVoices)
    feed: FakeFeed = field(default_factory=FakeFeed)
    most_bytes: int = 1_000_000_000

    def __post_init__(self) -> None:
        index = LiveSearch(self.feed, self.measured, self.most_bytes)
        self.index: Searching = index
        self.close = index.close

    @property
    def measured(self) -> dict[Modality, Measured]:
        faces: dict[Modality, Measured] = {Modality.FACE: self.faces.searched}
        return {**faces, Modality.VOICE: VOICES} if self.voices else faces

    def spread(self) -> None:
        """Search on machines from now on."""
        self.machines = FakeMachines(self.feed, self.measured)
        self.index = self.machines.search

    @property
    def identify(self) -> IdentifySubjects:
        return IdentifySubjects(
            self.faces.compare,
            self.voices.comparison if self.voices else None,
            self.index,
            self.feed,
            FUSION if self.voices else None,
        )

    @property
    def duplicates(self) -> FindDuplicates:
        return FindDuplicates(self.index, self.feed)

    def template(self, identity: int) -> Template:
        """Of another picture of that person."""
        shown = Picture("a picture", lambda: self.faces.decode(picture(identity)))
        return self.faces.capture(shown).template

    def likeness(self, identity: int) -> FaceLikeness:
        return FaceLikeness(self.template(identity), SCALE)

    def voice(self, identity: int) -> CapturedVoice:
        """Of another recording of that person."""
        voices = self.voices or FakeVoices()
        heard = Recording("a recording", lambda: voices.decode(recording(identity)))
        return voices.comparison.capture(heard)

    def enrol_voices(self, tenant_id: TenantId, *identities: int) -> list[UserToken]:
        """A subject for each of these people, who have voices alone."""
        heard = [self.voice(one) for one in identities]
        return [
            self.feed.put(
                it.template, tenant=tenant_id, modality=Modality.VOICE, quality=it.to_keep()
            )
            for it in heard
        ]

    def enrol_both(self, tenant_id: TenantId, *identities: int) -> list[UserToken]:
        """A subject for each of these people, with a face and a voice."""
        heard = {one: self.voice(one) for one in identities}
        return [
            self.feed.put(
                self.template(one),
                tenant=tenant_id,
                quality=voice.to_keep(),
                voices=[voice.template],
            )
            for one, voice in heard.items()
        ]

    def enrol(self, tenant_id: TenantId, *identities: int, collection: str = "") -> list[UserToken]:
        """A subject for each of these people."""
        collections = [collection] if collection else []
        return [
            self.feed.put(self.template(one), tenant=tenant_id, collections=collections)
            for one in identities
        ]
