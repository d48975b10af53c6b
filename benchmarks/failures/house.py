"""Three servers behind nginx, over one database, each by a wire of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.failures.postgres import Pair, free_port, running_pair, until
from benchmarks.failures.wire import Wire, wire_to
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.settings import Settings

REPOSITORY = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PERSE = (sys.executable, "-m", "perse")
_UPSTREAM = re.compile(r"( *)server perse-1:8080(.*);\n *server perse-2:8080.*\n")


@dataclass
class Server:
    """``wires``: to each of the database's places."""

    name: str
    port: int
    wires: Sequence[Wire]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*PERSE, "serve"], env=self.environment, stderr=log, cwd=REPOSITORY
            )

    def await_ready(self) -> None:
        until(self.is_ready)

    def is_ready(self) -> bool:
        """Raises RuntimeError where it has ended."""
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended: {self.log.read_text()[-2000:]}")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def send(self, what: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(what)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """And wait until it has."""
        if self.process is not None:
            self.send(how)
            self.process.wait(60)

    def cut(self) -> None:
        for wire in self.wires:
            wire.cut()

    def mend(self) -> None:
        for wire in self.wires:
            wire.mend()


@dataclass
class Proxy:
    """nginx with ``deploy/nginx.conf``, but for its TLS and with these servers."""

    folder: Path
    port: int
    servers: Sequence[Server]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if NGINX is None:
            raise SystemExit("nginx is not installed (on Debian: apt install nginx)")
        file = self.folder / "nginx.conf"
        file.write_text(configuration(self.folder, self.port, self.servers))
        words = [NGINX, "-e", f"{self.folder}/error.log", "-c", str(file)]
        self.process = subprocess.Popen([*words, "-g", "daemon off;"])


def configuration(folder: Path, port: int, servers: Sequence[Server]) -> str:
    text = (REPOSITORY / "deploy/nginx.conf").read_text().replace("/tmp/", f"{folder}/")  # noqa: S108

    def named(found: re.Match[str]) -> str:
        lines = (f"{found[1]}server 127.0.0.1:{it.port}{found[2]};\n" for it in servers)
        return "".join(lines)

    text = _UPSTREAM.sub(named, text).replace("8443 ssl http2", f"127.0.0.1:{port}")
    text = text.replace("error_log stderr", f"error_log {folder}/error.log")
    return "".join(line for line in text.splitlines(True) if not line.strip().startswith("ssl_"))


@dataclass
class House:
    """All of it. ``keys``: an API key for each tenant."""

    folder: Path
    pair: Pair
    servers: Sequence[Server]
    proxy: Proxy
    keys: list[str] = field(default_factory=list)

    def perse(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command with what the first server is given, straight to the primary."""
        url = f"postgresql://postgres@127.0.0.1:{self.pair.primary.port}/perse"
        given = self.servers[0].environment | {"PERSE_DATABASE_URL": url}
        given["PERSE_TOKEN_SIGNING_KEYS"] = self.signing_keys.read_text()
        return subprocess.run(
            [*PERSE, *words], env=given, capture_output=True, text=True, cwd=REPOSITORY, check=False
        )

    def get(self, path: str) -> str:
        """What the proxy answers."""
        connection = HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    @property
    def signing_keys(self) -> Path:
        return self.folder / "secrets/PERSE_TOKEN_SIGNING_KEYS"


@contextmanager
def running_house(
    weights: Path,
    *,
    servers: int = 3,
    tenants: int = 3,
    small_disk: bool = False,
    replicated: bool = True,
) -> Iterator[House]:
    """All of it, ready. ``weights``: a folder of converted networks."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perse-house-")))
        folder.chmod(0o755)
        pair = stack.enter_context(running_pair(small_disk=small_disk, replicated=replicated))
        _make_secrets(folder)
        made = [_server(folder, pair, number, weights, stack) for number in range(1, servers + 1)]
        house = House(folder, pair, made, Proxy(folder, free_port(), made))
        house.keys.extend(_make_keys(house, tenants))
        for server in made:
            server.start()
            stack.callback(_end, server)
        for server in made:
            server.await_ready()
        house.proxy.start()
        stack.callback(_end, house.proxy)
        until(lambda: _is_open(house.proxy.port))
        yield house


def _server(folder: Path, pair: Pair, number: int, weights: Path, stack: ExitStack) -> Server:
    name, port = f"perse-{number}", free_port()
    data = folder / name
    data.mkdir()
    (data / "weights").symlink_to(weights)
    wires = [stack.enter_context(wire_to(place.port)) for place in pair.places]
    places = ",".join(f"127.0.0.1:{wire.port}" for wire in wires)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PERSE_")}
    environment = clean | {
        "PERSE_PORT": str(port),
        "PERSE_DATA_DIR": str(data),
        "PERSE_SECRETS_DIR": str(folder / "secrets"),
        "PERSE_MASTER_KEY_FILE": str(folder / "master.key"),
        "PERSE_DATABASE_URL": f"postgresql://postgres@{places}/perse",
        "PERSE_PROCESSES": "1",
        "PERSE_TRUSTED_PROXIES": "127.0.0.0/8",
        "PERSE_OFFLINE": "true",
        "PERSE_LOG_LEVEL": "warning",
        "COLUMNS": "200",
    }
    return Server(name, port, wires, environment, folder / f"{name}.log")


def _make_secrets(folder: Path) -> None:
    """The signing keys alone: the master key is a file, which can be rotated."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "PERSE_TOKEN_SIGNING_KEYS").write_text(new_signing_key())


def new_signing_key() -> str:
    words = ["openssl", "genpkey", "-algorithm", "ed25519"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _make_keys(house: House, tenants: int) -> Iterator[str]:
    """The first to open the database makes its schema and the master key."""
    settings = Settings.model_validate(
        {
            "data_dir": house.folder,
            "database_url": f"postgresql://postgres@127.0.0.1:{house.pair.primary.port}/perse",
            "token_signing_keys": house.signing_keys.read_text(),
        }
    )
    with open_storage(settings) as storage:
        keys = ApiKeys(storage.keys)
        for number in range(tenants):
            yield keys.create(f"tenant-{number}")[1]


def _end(program: Server | Proxy) -> None:
    process = program.process
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _is_open(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True
