"""Run one liveness session with its client: prompts and guidance one way, frames the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from perse.api.admission.door import Load
from perse.api.admission.frame_pacing import MOST_PER_S, FramePacing
from perse.api.http.calls import Call
from perse.api.http.conversation import Conversation, MessageRefused, SocketLimits
from perse.api.http.lines import CloseCode, LineClosed
from perse.api.http.sockets import SocketOperation, Welcome
from perse.api.services import Faces
from perse.api.services.liveness import Liveness
from perse.api.v1.newest_frame import NewestFrame
from perse.auth.liveness_tokens import Admission
from perse.domain.liveness_sessions import LONGEST_RUN_S, EndReason, LivenessSession
from perse.domain.session_arrivals import Arrivals
from perse.domain.session_dialogue import Dialogue
from perse.domain.session_frames import FailureReason, ObservedFrame, SessionKind
from perse.domain.session_guidance import Guidance, Sight, guide
from perse.domain.session_plan import draw_prompts
from perse.errors import (
    FileTooLarge,
    Overloaded,
    PerseError,
    RateLimited,
    SessionNotFound,
    TryLater,
    Unauthorized,
)
from perse.pipelines.liveness_frames import FrameWatch, SentFrame
from perse.pipelines.ports import Result

PATH: Final = "/v1/liveness/socket"
SUBPROTOCOL: Final = "perse.liveness.v1"
LARGEST_FRAME_BYTES: Final = 262_144
_WIDTH_PX, _HEIGHT_PX = 640, 480
_MOST_PIXELS: Final = 1_000_000
A_FRAME: Final = Load(0.03)
# So much more or less of what a session may send is worth telling.
_TOLD_FROM: Final = 0.2
# Fewer than any session is let in with: other work has taken the processor meanwhile.
_LEAST_SEEN_PER_S: Final = 1.0
_GIVING_UP: Final = ({"type": "cancel"}, {"type": "unable"})
_NO_MESSAGE: Final = "a client sends frames, or cancel or unable, and nothing else"
# The end compares or enrols one picture, and writes; whoever is through waits for nobody's frames.
AT_THE_END: Final = Load(0.3, first=True)


class Talk(Protocol):
    """What is asked of a conversation here."""

    async def receive(self) -> bytes | Mapping[str, object]: ...
    async def send_json(self, message: Mapping[str, object], /) -> None: ...
    async def compute(self, work: Callable[[], Result], /, *, load: Load) -> Result: ...
    async def look_up(self, work: Callable[[], Result], /) -> Result: ...
    async def pause(self, time_s: float, /) -> None: ...


class BrokenOff(Exception):
    """The person does not want to go on or cannot, or the client cannot send what is needed."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__()
        self.reason = reason


async def admit(call: Call, token: str) -> Welcome:
    """Whoever has the token of a session, from where it may be used."""
    tokens = call.services.liveness.tokens
    admission = tokens.verify(token, origin=call.request.headers.get("origin"))
    return Welcome(admission.tenant_id, partial(_talk, admission))


async def _talk(admission: Admission, conversation: Conversation) -> None:
    services = conversation.workplace.services
    pacing = conversation.workplace.pacing
    await converse(services.liveness, services.faces, admission, conversation, pacing)


async def converse(
    liveness: Liveness, faces: Faces, admission: Admission, talk: Talk, pacing: FramePacing
) -> None:
    """Run the session from its start to its end. Raises Unauthorized where it has been run, and
    Overloaded where it could not be served: then it has not begun, and may later."""
    tenant_id = admission.tenant_id
    with pacing.running(tenant_id):
        session = await talk.look_up(partial(liveness.start, tenant_id, admission.session_id))
        await LivenessRun(liveness, faces, talk, session, pacing).run()


class LivenessRun:
    """One session while it runs. However it ends, its row says so."""

    def __init__(
        self,
        liveness: Liveness,
        faces: Faces,
        talk: Talk,
        session: LivenessSession,
        pacing: FramePacing,
    ) -> None:
        kind = session.order.kind
        self._liveness, self._faces, self._talk = liveness, faces, talk
        self._session, self._pacing = session, pacing
        self._told_per_s = pacing.per_s(session.tenant_id)
        self._watch = FrameWatch(liveness.sensing)
        self._newest = NewestFrame(Arrivals(liveness.points))
        self._began_s = liveness.clock_s()
        prompts = draw_prompts(kind, liveness.choose)
        self._dialogue = Dialogue(kind, prompts, liveness.points)
        self._told: Guidance | None = None

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            await self._lead()
            await self._conclude()
        except BrokenOff as end:
            await self._break_off(end.reason)
        except BaseException as end:
            await self._break_off(self._reason_of(end))
            raise
        finally:
            reading.cancel()
        await self._talk.send_json({"type": "finished"})

    async def _read(self) -> None:
        """Take what comes as fast as it comes: of frames the newest is kept."""
        try:
            while True:
                message = await self._talk.receive()
                if isinstance(message, bytes):
                    sent, asked_per_s = SentFrame.parse(message), self._told_per_s
                    self._newest.put(sent, self._now_s(), asked_per_s=asked_per_s)
                elif message in _GIVING_UP:
                    declined = message["type"] == "unable" and self._dialogue.may_be_declined
                    raise BrokenOff(EndReason.DECLINED if declined else EndReason.ABANDONED)
                else:
                    raise MessageRefused(_NO_MESSAGE, CloseCode.UNSUITABLE)
        except (BrokenOff, LineClosed, PerseError) as end:
            self._newest.finish(end)

    async def _lead(self) -> None:
        await self._talk.send_json(self._ready())
        await self._give()
        while not self._dialogue.is_over:
            if await self._newest.comes(self._dialogue.left_s(self._now_s())):
                await self._look()
            if self._dialogue.is_due(self._now_s()):
                self._insist_on_frames()
                await self._give()
        self._insist_on_frames()

    def _insist_on_frames(self) -> None:
        """Early, so that who cannot send enough has neither to go on nor failed."""
        if self._dialogue.slowness_is_no_failure and self._sends_too_few():
            raise BrokenOff(EndReason.TOO_SLOW)

    def _sends_too_few(self) -> bool:
        """A passive session looks at as many frames, however slowly they come."""
        if self._dialogue.kind is SessionKind.PASSIVE:
            return False
        return self._newest.sends_too_few(self._now_s(), asked_per_s=self._told_per_s)

    async def _look(self) -> None:
        """One that there is no room for is as good as one that came while another was looked at."""
        try:
            observed, sight, took_s = await self._talk.compute(self._seen, load=A_FRAME)
        except Overloaded:
            self._newest.drop()
            return
        self._pacing.note(took_s)
        self._dialogue.see(observed)
        self._watch.forget_before(self._dialogue.began_s)
        thresholds = self._liveness.sensing.thresholds
        guidance = guide(sight, self._dialogue.prompt, thresholds)
        if guidance is not self._told:
            self._told = guidance
            await self._talk.send_json({"type": "guidance", "guidance": str(guidance)})
        await self._pace()

    def _seen(self) -> tuple[ObservedFrame, Sight, float]:
        """On a worker; and for how many seconds it was held."""
        began_s = time.perf_counter()
        taken = self._newest.take()
        if self._faces.measure(taken.sent.content).pixels > _MOST_PIXELS:
            raise FileTooLarge(f"a frame may have {_MOST_PIXELS} pixels")
        observed, sight = self._watch(taken.sent, at_s=taken.at_s)
        observed = replace(observed, silent_s=taken.silent_s)
        return observed, sight, time.perf_counter() - began_s

    async def _pace(self) -> None:
        """Tell the client when it may send noticeably more frames or fewer."""
        told, now = self._told_per_s, self._pacing.per_s(self._session.tenant_id)
        if abs(now - told) > _TOLD_FROM * told:
            self._told_per_s = now
            await self._talk.send_json({"type": "pace", "per_s": now})

    async def _give(self) -> None:
        dialogue = self._dialogue
        given = dialogue.give(self._now_s())
        await self._talk.send_json(
            {
                "type": "prompt",
                "prompt": str(given.prompt),
                "number": len(dialogue.given),
                "of": len(dialogue.prompts),
                "time_limit_s": dialogue.points.answer_s,
            }
        )

    def _ready(self) -> Mapping[str, object]:
        dialogue = self._dialogue
        return {
            "type": "ready",
            "kind": str(dialogue.kind),
            "prompts": len(dialogue.prompts),
            "time_limit_s": dialogue.points.answer_s * len(dialogue.prompts),
            "frames": {
                "per_s": self._told_per_s,
                "width_px": _WIDTH_PX,
                "height_px": _HEIGHT_PX,
                "max_bytes": LARGEST_FRAME_BYTES,
            },
        }

    async def _conclude(self) -> None:
        dialogue, liveness = self._dialogue, self._liveness
        slow = [FailureReason.SLOWED_DOWN] if self._sends_too_few() else []

        def concluded() -> None:
            judged = liveness.judge(dialogue.kind, dialogue.given, dialogue.frames)
            judgement = replace(judged, reasons=(*judged.reasons, *slow))
            conclude, frames = liveness.conclude, len(dialogue.frames)
            if judgement.passed or not self._was_starved():
                conclude(self._session, judgement, frames=frames, best=self._watch.best)
            else:
                conclude.abandoned(self._session, EndReason.FAULT, frames=frames)

        while True:
            try:
                return await self._talk.compute(concluded, load=AT_THE_END)
            except SessionNotFound:  # revoked meanwhile: there is nothing to keep
                return None
            except Overloaded as busy:
                if self._now_s() + busy.retry_after_s > LONGEST_RUN_S:
                    raise
                await self._talk.pause(busy.retry_after_s)

    def _was_starved(self) -> bool:
        """Whether so few of the frames that came were looked at that nobody could be seen to do as
        they are asked: that is the server's failure, whoever was before the camera."""
        looked = len(self._dialogue.frames)
        return looked < min(_LEAST_SEEN_PER_S * self._now_s(), self._newest.came / 2)

    async def _break_off(self, reason: EndReason) -> None:
        frames = len(self._dialogue.frames)
        abandon = partial(self._liveness.conclude.abandoned, self._session, reason, frames=frames)
        try:
            await self._talk.look_up(abandon)
        except SessionNotFound:  # revoked meanwhile, or kept already
            return

    def _reason_of(self, end: BaseException) -> EndReason:
        """Whether it was the client that broke it off; whatever it sent or did not take in time
        is its own, so that no prompt can be declined for nothing."""
        if end is self._newest.end or not isinstance(end, Exception):
            return EndReason.ABANDONED
        by_client = isinstance(end, LineClosed | PerseError) and not isinstance(end, TryLater)
        return EndReason.ABANDONED if by_client else EndReason.FAULT

    def _now_s(self) -> float:
        return self._liveness.clock_s() - self._began_s


SOCKETS = (
    SocketOperation(
        PATH,
        SUBPROTOCOL,
        admit,
        summary="Run a liveness session",
        description="The client of one session sends frames and is told what to do. What is said "
        "both ways is in docs/liveness-sessions.md.",
        limits=SocketLimits(
            largest_bytes=LARGEST_FRAME_BYTES + 8,
            messages_per_s=1.5 * MOST_PER_S,
            silence_s=15.0,
            longest_s=LONGEST_RUN_S,
        ),
        errors=(Unauthorized, RateLimited),
    ),
)
