"""Liveness sessions over fake networks and a fake store: a frame says how its head is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from perse.auth.api_keys import ApiKeys
from perse.auth.liveness_tokens import ClientTokens
from perse.auth.liveness_verdicts import JwsVerdictSigner
from perse.auth.signing_keys import SigningKeys
from perse.domain.access import ApiKey, KeyId
from perse.domain.consent import Processing
from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.retries import NameRetry
from perse.domain.samples import FaceImage, ModelName
from perse.domain.session_frames import (
    FailureReason,
    GivenPrompt,
    ObservedFrame,
    Prompt,
    SessionJudgement,
    SessionKind,
    SessionPoints,
    SessionScores,
)
from perse.domain.session_plan import judgeable_kinds
from perse.domain.session_prompts import prompt_failures
from perse.pipelines.consent import RecordConsent
from perse.pipelines.detection import AssessFace
from perse.pipelines.liveness_frames import FrameSensing
from perse.pipelines.liveness_sessions import ConcludeSession, OpenSession, StartSession
from tests.fakes.faces import SCALE, FakeFaces, SeeingQuality
from tests.fakes.liveness_sessions import FakeLivenessSessions
from tests.fakes.storage import RETRY_KEY, FakeClock
from tests.fakes.subject_services import FakeSubjectServices

POINTS = SessionPoints(
    least_frames=4,
    ahead_degrees=12.0,
    yaw_degrees=20.0,
    pitch_degrees=12.0,
    closer=1.25,
    reaction_s=0.15,
    answer_s=8.0,
    pad=0.5,
    same_face_cosine=0.3,
    recognisability=0.2,
    relief=0.3,
    unbent_relief=0.2,
    followed_turns=1,
    longest_gap_s=1.5,
    least_sent_share=0.5,
    enough_sent_per_s=1.0,
    clock_drift_s=1.0,
    degrees_per_s=400.0,
    widths_per_s=6.0,
    growth_per_s=4.0,
)
POSES = {
    Prompt.LOOK_AHEAD: HeadPose(0.0, 0.0, 0.0),
    Prompt.LOOK_LEFT: HeadPose(30.0, 0.0, 0.0),
    Prompt.LOOK_RIGHT: HeadPose(-30.0, 0.0, 0.0),
    Prompt.LOOK_UP: HeadPose(0.0, 20.0, 0.0),
}


def held(content: bytes, prompt: Prompt) -> bytes:
    """A picture of a head that does what ``prompt`` asks."""
    return content + b"|" + prompt.encode()


def follow_nothing(image: FaceImage, face: DetectedFace | None) -> None:
    """Judged by the prompts alone, no points are needed."""


class SeeingPose:
    model: ModelName = ModelName("fake-pose")

    def estimate(self, image: FaceImage, face: DetectedFace) -> HeadPose:
        return list(POSES.values())[int(image.pixels[-1, -1, 0])]


@dataclass
class FakeLiveness:
    """``clock`` is the sessions' time; prompts are drawn as the first that may be, but never to
    come closer. Judged by the prompts alone; ``before_judging`` is called then, ``before_using``
    before the API key is looked at to use the best frame; ``judged``: the frames, then."""

    consent: RecordConsent
    subjects: FakeSubjectServices
    faces: FakeFaces
    keys: ApiKeys
    signing_keys: SigningKeys
    clock: FakeClock
    public_url: str | None = None
    retry_key: NameRetry = RETRY_KEY
    readings: int = 0
    judged: Sequence[ObservedFrame] = ()
    before_judging: Callable[[], object] = lambda: None
    before_using: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.store = FakeLivenessSessions(self.subjects.users)
        self.tokens = ClientTokens(self.signing_keys, self.clock)
        self.points = POINTS
        self.now = self.clock

    @property
    def open(self) -> OpenSession:
        kinds = judgeable_kinds(attacks_detected=self.faces.attacks is not None)
        return OpenSession(self.store, self.subjects.samples, self._recorded, kinds)

    @property
    def start(self) -> StartSession:
        return StartSession(self.store, self.keys.store.get, self._recorded)

    @property
    def conclude(self) -> ConcludeSession:
        return ConcludeSession(
            sessions=self.store,
            verify=self.subjects.verify,
            add_face=replace(self.subjects.add_face, processing=Processing.LIVENESS_ENROL),
            key=self._key_to_use,
            signer=JwsVerdictSigner(self.signing_keys),
            consent=self._recorded,
            points=self.points,
            models=self.sensing.models,
            now=self.clock,
        )

    def _key_to_use(self, key_id: KeyId) -> ApiKey | None:
        self.before_using()
        return self.keys.store.get(key_id)

    @property
    def sensing(self) -> FrameSensing:
        return FrameSensing(
            decode=self._decode,
            find=self.faces.find,
            assess=AssessFace(SeeingPose(), SeeingQuality(), self.faces.attacks),
            embedder=self.faces.embedder,
            scale=SCALE,
            thresholds=self.faces.thresholds,
            follow=lambda: follow_nothing,
        )

    def _decode(self, content: bytes) -> FaceImage:
        prompt = content.rpartition(b"|")[2].decode(errors="replace")
        pixels = self.faces.decode(content).pixels.copy()
        pixels[-1, -1] = list(POSES).index(Prompt(prompt)) if prompt in set(POSES) else 0
        return FaceImage(pixels)

    @property
    def _recorded(self) -> RecordConsent:
        return replace(self.consent, now=self.clock)

    def judge(
        self,
        kind: SessionKind,
        prompts: Sequence[GivenPrompt],
        frames: Sequence[ObservedFrame],
    ) -> SessionJudgement:
        self.before_judging()
        self.judged = list(frames)
        few = [FailureReason.TOO_FEW_FRAMES] if len(frames) < POINTS.least_frames else []
        failures = (*few, *prompt_failures(prompts, frames, self.points))
        return SessionJudgement(failures, SessionScores(pad=0.97, longest_answer_s=1.0))

    def choose(self, prompts: Sequence[Prompt]) -> Prompt:
        return next(it for it in prompts if it is not Prompt.COME_CLOSER)

    def clock_s(self) -> float:
        """No two readings are the same, as no two moments are."""
        self.readings += 1
        return self.clock().timestamp() + 1e-4 * self.readings
