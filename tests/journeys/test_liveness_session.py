"""A liveness session on a real server with real networks, run by a client that is not ours with
films of drawn heads, and its verdict checked as the documentation says."""

from __future__ import annotations

import json
import re
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.liveness_sessions.films import Film
from benchmarks.liveness_sessions.instruments import BONA_FIDE, INSTRUMENTS
from benchmarks.liveness_sessions.recordings import sitter_of
from benchmarks.liveness_sessions.running import seeded
from perse.bootstrap.services import Services
from perse.domain.samples import FaceImage
from perse.domain.session_frames import GivenPrompt, Prompt
from tests.conftest import REPOSITORY
from tests.real_house import CONSENT, PORTRAITS, House, running_house

PATH = "/v1/liveness/sessions"
MOVEMENTS = (Prompt.LOOK_LEFT, Prompt.LOOK_UP, Prompt.LOOK_RIGHT, Prompt.COME_CLOSER)
STEP_S = 1 / 6
ATTACK = "print, bent and turned"


@dataclass
class Stage:
    """The sessions' clock, moved by the client; and how many frames the server has taken up."""

    time_s: float = 0.0
    looked_at: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: int = 0

    def clock_s(self) -> float:
        return self.time_s

    def choose(self, prompts: Sequence[Prompt]) -> Prompt:
        self.asked += 1
        wanted = MOVEMENTS[(self.asked - 1) % len(MOVEMENTS)]
        assert wanted in prompts
        return wanted

    def watching(self, decode: Callable[[bytes], FaceImage]) -> Callable[[bytes], FaceImage]:
        def decoded(content: bytes) -> FaceImage:
            self.looked_at.release()
            return decode(content)

        return decoded

    def arranged(self, services: Services) -> Services:
        liveness = services.liveness
        sensing = replace(liveness.sensing, decode=self.watching(liveness.sensing.decode))
        staged = replace(liveness, clock_s=self.clock_s, choose=self.choose, sensing=sensing)
        return replace(services, liveness=staged)


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


@pytest.fixture(scope="module")
def house(
    stage: Stage, pack_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder, weights = tmp_path_factory.mktemp("house"), pack_folders["standard"] / "weights"
    with running_house(folder, weights, None, stage.arranged) as running:
        yield running


def film_of(name: str, folder: Path) -> Film:
    sitters = [sitter_of(PORTRAITS / f"{it}.jpg", folder) for it in ("obama_2012", "collins_1992")]
    return INSTRUMENTS[name](sitters[0], sitters[1], seeded(name))


def subject(house: House, *portraits: str) -> str:
    made: str = house.client.post("/v1/subjects", json={}).json()["id"]
    for name in portraits:
        assert house.post(name, f"/v1/subjects/{made}/faces").status_code == 200
    return made


def run(house: House, stage: Stage, film: Film, **order: object) -> dict[str, Any]:
    """What is known of a session in which the film was shown."""
    consent = dict.fromkeys(CONSENT, True)
    opened = house.client.post(PATH, json={**order, **consent}).json()
    url = f"ws{str(house.client.base_url).removeprefix('http').rstrip('/')}{opened['socket_url']}"
    protocols = [Subprotocol("perse.liveness.v1"), Subprotocol(f"token.{opened['client_token']}")]
    with connect(url, subprotocols=protocols, compression=None, proxy=None) as socket:
        show(film, stage, socket)
    said: dict[str, Any] = house.client.get(f"{PATH}/{opened['session_id']}").json()
    return said


def show(film: Film, stage: Stage, socket: ClientConnection) -> None:
    """A frame when the one before has been taken up, until it is over."""
    began_s, given = stage.time_s, list[GivenPrompt]()
    listening = threading.Thread(target=listen, args=(stage, began_s, socket, given))
    listening.start()
    while listening.is_alive():
        stage.time_s += STEP_S
        taken_s = stage.time_s - began_s
        if not given:
            listening.join(0.01)
            continue
        content = film.frame(taken_s, list(given))
        try:
            socket.send(struct.pack(">d", 1000 * taken_s) + content)
        except OSError:
            break
        while listening.is_alive() and not stage.looked_at.acquire(timeout=0.05):
            pass
    listening.join(10)


def listen(
    stage: Stage, began_s: float, socket: ClientConnection, given: list[GivenPrompt]
) -> None:
    for text in socket:
        message = json.loads(text)
        if message["type"] == "prompt":
            given.append(GivenPrompt(Prompt(message["prompt"]), stage.time_s - began_s))
        if message["type"] == "finished":
            return


def documented_check() -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
    """The program of the documentation that checks a verdict."""
    page = (REPOSITORY / "docs" / "liveness-sessions.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - ours
    check: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] = names["check_verdict"]
    return check


def test_somebody_who_is_there_passes_and_is_the_subject(house: House, stage: Stage) -> None:
    person = subject(house, "obama_2009", "obama_2010")
    said = run(house, stage, film_of(BONA_FIDE, house.folder), subject_id=person)
    assert (said["state"], said["reasons"]) == ("passed", [])
    assert said["verification"]["decision"] == "match"
    verdict = documented_check()(said["verdict"], house.client.get("/.well-known/jwks.json").json())
    assert (verdict["sub"], verdict["verdict"]) == (said["session_id"], "passed")
    assert verdict["scores"] == said["scores"]
    assert verdict["models"] == said["models"]
    operations = [link.entry.operation for link in house.services.storage.ledger.entries()]
    assert operations[-3:] == ["liveness_open", "liveness_check", "liveness_verify"]


def test_a_print_does_not_pass_and_nobody_is_enrolled(house: House, stage: Stage) -> None:
    nobody = subject(house)
    film = film_of(ATTACK, house.folder)
    said = run(house, stage, film, subject_id=nobody, on_pass="enrol")
    assert said["state"] == "failed"
    assert "no_depth" in said["reasons"]
    assert house.client.get(f"/v1/subjects/{nobody}").json()["faces"] == 0
