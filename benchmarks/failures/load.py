"""What goes on all the time while things break: each tenant changes people, and looks at them."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.failures.answers import Answer, Caller, Record
from benchmarks.failures.book import Book

PORTRAITS = Path(__file__).parents[2] / "tests/samples/portraits"
STAYS, PROBE = "obama_2009", "obama_2010"
COMES = ("hopper_1984", "collins_1992", "biden_2010")
CONSENT = {"client_declaration_enduser_consent": "true"}
_MOST_PEOPLE = 4
Form = Mapping[str, str | bytes]
_PAUSE_S = 0.1
_TRY_AGAIN_S = 0.5


def picture(name: str) -> bytes:
    return (PORTRAITS / f"{name}.jpg").read_bytes()


@dataclass
class Tenant:
    """``stays``: the token of somebody who is never deleted. ``others``: all tenants."""

    port: int
    key: str
    record: Record
    stopping: threading.Event
    others: Sequence[Tenant] = ()
    book: Book = field(default_factory=Book)
    stays: str = ""

    def caller(self) -> Caller:
        return Caller(self.port, {"x-api-key": self.key}, self.record)

    def begin(self) -> None:
        """Enrol the one who stays."""
        with closing(self.caller()) as caller:
            self.stays = self._enrol(caller, STAYS)

    def change(self) -> None:
        """Until the end: people come and go."""
        names = itertools.cycle(COMES)
        with closing(self.caller()) as caller:
            while not self.stopping.is_set():
                self._enrol(caller, next(names))
                self._look_through(caller)
                if len(self.book.kept) > _MOST_PEOPLE:
                    self._delete(caller, next(it for it in self.book.kept if it != self.stays))
                    self._look_through(caller)
                self._session(caller)
                time.sleep(_PAUSE_S)

    def _enrol(self, caller: Caller, name: str) -> str:
        """However often it takes, always with the same key; and once more, which makes nobody."""
        key = uuid.uuid4().hex
        form: Form = {"image_file": picture(name), **CONSENT}
        made = self._insist(lambda: caller.post("enrol", "/v0/face/enrollment", form, key=key))
        token = str(made.body.get("user_token"))
        if made.status != 200:
            self.book.say(f"an enrolment was answered {made.status} {made.body.get('code')}")
        self.book.made(token, name)
        again = caller.post("enrol again", "/v0/face/enrollment", form, key=key)
        if again.status == 200 and again.body.get("user_token") != token:
            self.book.say("one key made two people", [token, str(again.body.get("user_token"))])
        return token

    def _delete(self, caller: Caller, token: str) -> None:
        self.book.deleting(token)
        path = f"/v0/face/enrollment/{token}"
        # 422 where the proxy asked again, of another server, what had been done.
        done = self._insist(lambda: caller.delete("delete", path))
        self.book.deleted(token, done.body.get("receipt"))

    def _look_through(self, caller: Caller) -> None:
        listed = caller.get("list", "/v0/face/enrollment/list")
        if listed.status == 200:
            self.book.check_list(listed.body["user_tokens"])

    def _session(self, caller: Caller) -> None:
        """A liveness session that was opened is known to every server, until it is revoked."""
        document = {"client_declaration_enduser_consent": True}
        opened = caller.post_json(
            "session", "/v1/liveness/sessions", document, key=uuid.uuid4().hex
        )
        if opened.status != 200:
            if opened.good:
                self.book.say(f"a session was answered {opened.status} {opened.body}")
            return
        path = f"/v1/liveness/sessions/{opened.body['session_id']}"
        if self._insist(lambda: caller.get("session", path)).status != 200:
            self.book.say("a session that was opened is not known")
        self._insist(lambda: caller.delete("session", path))
        if (state := self._insist(lambda: caller.get("session", path))).status != 404:
            self.book.say(f"a session that was revoked is {state.body.get('state')}")

    def look(self) -> None:
        """Until the end: detect, compare, search, and try others' and former people."""
        probe = picture(PROBE)
        with closing(self.caller()) as caller:
            while not self.stopping.is_set():
                caller.post("detect", "/v0/face/detect", {"image_file": probe, **CONSENT})
                self._compare(caller, probe)
                self._search(caller)
                self._try_others(caller, probe)
                time.sleep(_PAUSE_S)

    def _compare(self, caller: Caller, probe: bytes) -> None:
        form: Form = {"image_file": probe, "user_token": self.stays, **CONSENT}
        answer = caller.post("compare", "/v0/face/compare", form)
        if answer.status == 422:
            self.book.say(f"who stays is not compared: {answer.body.get('code')}", [self.stays])
        if answer.status == 200:
            least = answer.body["default_thresholds"]["similarity"]
            if answer.body["similarity"] < least:
                self.book.say("somebody is not like themselves")

    def _search(self, caller: Caller) -> None:
        """Everybody acknowledged before is found, nobody who was deleted before."""
        name = COMES[0]
        before = {token for token, whose in dict(self.book.kept).items() if whose == name}
        gone = set(self.book.gone)
        form: Form = {"image_file": picture(name), "max_candidates": "20", **CONSENT}
        answer = caller.post("identify", "/v1/identify", form)
        if answer.status != 200:
            return
        found = {it["subject_id"] for it in answer.body["face"]["candidates"]}
        still = {token for token in before if token in self.book.kept}
        self.book.expect_none("acknowledged people are not found", still - found)
        self.book.expect_none("deleted people are found", gone & found)

    def _try_others(self, caller: Caller, probe: bytes) -> None:
        """Neither those of other tenants nor one's own former ones may be compared with."""
        others = [it.stays for it in self.others if it is not self]
        for token in [*others[:1], *itertools.islice(iter(list(self.book.gone)[-1:]), 1)]:
            form: Form = {"image_file": probe, "user_token": token, **CONSENT}
            answer = caller.post("compare, refused", "/v0/face/compare", form)
            if answer.status == 200:
                self.book.say("somebody else's or deleted people are compared with", [token])

    def _insist(self, ask: Callable[[], Answer]) -> Answer:
        """Until an answer is a good one."""
        while not (answer := ask()).good:
            time.sleep(_TRY_AGAIN_S)
        return answer


@contextmanager
def loaded(port: int, keys: Sequence[str], record: Record) -> Iterator[Sequence[Tenant]]:
    """Tenants at work, until the block ends."""
    stopping = threading.Event()
    tenants = [Tenant(port, key, record, stopping) for key in keys]
    for tenant in tenants:
        tenant.others = tenants
        tenant.begin()
    threads = [threading.Thread(target=work) for it in tenants for work in (it.change, it.look)]
    for thread in threads:
        thread.start()
    try:
        yield tenants
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
