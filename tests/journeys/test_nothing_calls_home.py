"""perse as it is installed, watched by the system: no look-up, no connection, no stray file.

The server lives for longer than ONNX Runtime would wait before it reports (9 seconds).
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import soundfile as sf

from tests.cli.every_command import COMMAND_LINES, words
from tests.cli.terminal import Line, terminal
from tests.conftest import NOTHING_MAY_BE_SKIPPED, REPOSITORY
from tests.recorder import Recorder, plain_environment, strace
from tests.synthetic_speech import ALICE, BOB, Person, speech

PORTRAITS = REPOSITORY / "tests" / "samples" / "portraits"
LIVES_S = 12
PEOPLE = 3
# Nobody is no tenant nor moves, and thresholds of faces and voices take more people than this.
REFUSING = {
    ("tenants delete", 1),
    ("tenants limit", 1),
    ("tenants usage", 1),
    ("bulk move", 1),
    ("calibrate face", 1),
    ("calibrate voice", 1),
}
CONSENT = {"client_declaration_enduser_consent": "true"}


@dataclass(frozen=True)
class House:
    """Where an installation lies, and the folders in which nothing may ever appear."""

    folder: Path
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def start(self) -> Path:
        return self.folder / "start"

    def recorder(self, name: str) -> Recorder:
        return Recorder(self.folder / f"{name}.strace", self.start)

    def open_to_others(self) -> list[Path]:
        """Of what perse made: every process here starts with the umask that hides nothing."""
        made = [self.data, *self.data.rglob("*"), self.files / "drawn.png", self.files / "report"]
        return [path for path in made if path.stat().st_mode & 0o077]

    def stray_files(self) -> list[Path]:
        places = [self.folder / name for name in ("home", "tmp", "start")]
        return [path for place in places for path in place.rglob("*")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    if strace() is None:
        message = "strace is not installed (on Debian: apt install strace)"
        if NOTHING_MAY_BE_SKIPPED:
            pytest.fail(message)
        pytest.skip(message)
    for name in ("home", "tmp", "start", "files"):
        (tmp_path / name).mkdir()
    environment = plain_environment(
        dict(os.environ),
        HOME=str(tmp_path / "home"),
        TMPDIR=str(tmp_path / "tmp"),
        PERSE_DATA_DIR=str(tmp_path / "data"),
        PERSE_PACK="standard",
        PERSE_OFFLINE="true",
        PERSE_MODEL_MIRROR=str(REPOSITORY / "build" / "weights"),
        PYTHONDONTWRITEBYTECODE="1",
        **dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")),
    )
    return House(tmp_path, environment)


def test_the_recorder_sees_what_must_not_be(house: House) -> None:
    recorder = house.recorder("control")
    program = (
        "import os, pathlib, socket, tempfile\n"
        "pathlib.Path.home().joinpath('.cache').mkdir()\n"
        "pathlib.Path('relative').touch()\n"
        "tempfile.TemporaryFile().close()\n"
        "os.symlink('target', os.environ['PERSE_DATA_DIR'] + '-elsewhere')\n"
        "os.mkdir(os.environ['PERSE_DATA_DIR'])\n"
        "try: socket.getaddrinfo('nowhere.invalid', 443)\n"
        "except OSError: pass\n"
        "other = socket.socket(type=socket.SOCK_DGRAM)\n"
        "other.connect(('127.0.0.1', 9))\n"
        "try: other.connect(('192.0.2.1', 9))\n"
        "except OSError: pass\n"
    )
    command = [*recorder.before, sys.executable, "-c", program]
    subprocess.run(command, env=house.environment, cwd=house.start, check=True)
    seen = "\n".join(recorder.strangers(house.data))
    strangers = (".cache", "relative", "O_TMPFILE", "data-elsewhere", "resolv.conf", "192.0.2.1")
    assert [stranger for stranger in strangers if stranger not in seen] == []
    assert "127.0.0.1" not in seen
    assert f'mkdir("{house.data}"' not in seen


def test_the_recorder_sees_what_onnx_runtime_does_by_itself(house: House) -> None:
    recorder = house.recorder("bare")
    command = [*recorder.before, sys.executable, "-c", "import onnxruntime"]
    subprocess.run(command, env=house.environment, cwd=house.start, check=True)
    assert any("deviceid" in call for call in recorder.strangers(house.data))


@pytest.mark.usefixtures("network_files")
def test_the_server_and_every_command_keep_to_their_folder(house: House) -> None:
    setting_up, serving, commands = map(house.recorder, ("setup", "serve", "commands"))
    started = time.monotonic()
    run(house, setting_up, "setup")
    key = run(house, setting_up, "keys", "create", "shop").strip()
    with served(house, serving, key) as client:
        names = prepared_files(house) | use_every_service(client)
        run_every_command(house, commands, names)
        time.sleep(max(0.0, started + LIVES_S - time.monotonic()))
        assert client.get("/version").status_code == 200
    for recorder in (setting_up, serving, commands):
        assert recorder.strangers(house.data, house.files) == []
    assert house.stray_files() == []
    assert house.open_to_others() == []


def run(house: House, recorder: Recorder, *words: str) -> str:
    command = [*recorder.before, sys.executable, "-m", "perse", *words]
    done = subprocess.run(
        command,
        env=house.environment,
        cwd=house.start,
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(house: House, recorder: Recorder, key: str) -> Iterator[httpx.Client]:
    command = [*recorder.before, sys.executable, "-m", "perse", "serve", "--port", "0"]
    environment = house.environment | {"COLUMNS": "200", "PERSE_PROCESSES": "2"}
    log = (house.folder / "serve.log").open("w+")
    started = subprocess.Popen(command, env=environment, cwd=house.start, stderr=log, umask=0)
    with log, started as process:
        try:
            headers = {"x-api-key": key}
            with httpx.Client(base_url=ready_at(house, process), headers=headers, timeout=30) as c:
                yield c
        finally:  # not the recorder, which is to see the end, too
            psutil.Process(process.pid).children()[0].terminate()


def ready_at(house: House, process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        said = (house.folder / "serve.log").read_text()
        if "ready at " in said:
            return said.split("ready at ")[1].split()[0]
        time.sleep(0.05)
    raise AssertionError((house.folder / "serve.log").read_text())


def use_every_service(client: httpx.Client) -> dict[str, str]:
    """Requests of every kind; the token of a user who is there, and the receipt of one who was."""
    obama, biden = ((PORTRAITS / f"{n}.jpg").read_bytes() for n in ("obama_2009", "biden_2010"))
    recordings = [sound(ALICE), sound(BOB)]
    answered(client.post("/v0/face/detect", files={"image_file": obama}))
    two = {"image_file1": obama, "image_file2": biden}
    answered(client.post("/v0/face/compare", files=two))
    clips = {"audio_file1": recordings[0], "audio_file2": recordings[1]}
    answered(client.post("/v0/voice/compare", files=clips))
    enrolment = "/v0/face/enrollment"
    tokens = [
        answered(client.post(enrolment, files={"image_file": obama}, data=CONSENT))["user_token"]
        for _ in range(2)
    ]
    again = {"user_token": tokens[0]}
    answered(client.post("/v0/face/compare", files={"image_file": obama}, data=again))
    answered(client.post("/v0/login", json={"privateKey": client.headers["x-api-key"]}))
    for page in ("/metrics", "/", "/swagger/", "/openapi.json"):
        assert client.get(page).status_code == 200
    receipt = answered(client.delete(f"{enrolment}/{tokens[1]}"))["receipt"]
    return {"token": tokens[0], "receipt_text": receipt}


def answered(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def sound(person: Person, seed: int = 0) -> bytes:
    file = io.BytesIO()
    sf.write(file, speech(person, 4, seed=seed), 16_000, format="WAV")
    return file.getvalue()


def prepared_files(house: House) -> dict[str, object]:
    """What command lines name: files and folders of one's own."""
    files, people = house.files, [Person(90 + 15 * n, 0.8 + 0.03 * n) for n in range(PEOPLE)]
    for folder in ("faces", "presentations/live", "presentations/spoof"):
        for portrait in PORTRAITS.iterdir():
            own = files / folder / portrait.name.partition("_")[0]
            own.mkdir(parents=True, exist_ok=True)
            (own / portrait.name).write_bytes(portrait.read_bytes())
    for number, person in enumerate(people):
        (files / "voices" / str(number)).mkdir(parents=True)
        for seed in range(2):
            (files / "voices" / str(number) / f"{seed}.wav").write_bytes(sound(person, seed))
    (files / "groups.csv").write_text("person,sex\nobama,m\nbiden,m\ncollins,f\nhopper,f\n")
    named = ("faces", "voices", "presentations", "groups", "drawn", "receipt", "jwks")
    return {
        "data": house.data,
        "picture": PORTRAITS / "obama_2009.jpg",
        "recording": files / "voices" / "0" / "0.wav",
        **{name: files / name for name in named},
        "groups": files / "groups.csv",
        "drawn": files / "drawn.png",
        "report": files / "report",
        "imported": files / "imported.jsonl",
    }


def run_every_command(house: House, recorder: Recorder, names: dict[str, object]) -> None:
    """In the order of the table; what one makes, others use."""
    names["jwks"] = house.data / "signing-keys.json"
    Path(str(names["receipt"])).write_text(str(names["receipt_text"]))
    with terminal(*recorder.before, environment=house.environment) as opened:
        for command in COMMAND_LINES:
            if command == "serve":
                continue
            line = words(command, names)
            ended = opened.run(Line(line, str(house.start), house.environment))
            assert "Traceback" not in ended.stderr, ended.stderr
            assert (command, ended.status) in REFUSING or ended.status == 0, ended.stderr
            if command == "calibrate liveness":
                names["points"] = ended.stdout.strip()
