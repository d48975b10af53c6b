"""``deploy/compose.yaml`` and ``deploy/nginx.conf``: what they say is held, and brought up here as
processes: two servers, PostgreSQL and nginx with TLS, each with what the files give it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from perse.stages import Stage
from tests.collector import Collector, collecting
from tests.conftest import REPOSITORY
from tests.nginx import NGINX, free_port, needs_nginx
from tests.serving_processes import until
from tests.storage.postgresql import Cluster

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "deploy/compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SERVERS = ("perse-1", "perse-2")
PROXY = (REPOSITORY / "deploy/nginx.conf").read_text()
PORTRAITS = REPOSITORY / "tests" / "samples" / "portraits"
PERSE = [sys.executable, "-I", "-m", "perse"]
CONSENT = {"client_declaration_enduser_consent": "true"}
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_change_nothing_but_its_volume(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "healthcheck" in service


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_environment(name: str) -> None:
    named = " ".join(f"{k}={v}" for k, v in SERVICES[name].get("environment", {}).items())
    assert not re.search(r"(?:PASSWORD|_KEYS?|DATABASE_URL)=", named)
    assert set(SERVICES[name]["secrets"]) <= set(COMPOSE["secrets"])


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inner"]["internal"] is True
    assert SERVICES["db"]["networks"] == ["inner"]


def test_the_proxy_knows_every_server() -> None:
    assert tuple(re.findall(r"server (perse-\d+):8080", PROXY)) == SERVERS


@dataclass(frozen=True)
class Breaking:
    """In the place of both servers: hangs up on every request, and notes its first line."""

    listening: socket.socket
    asked: list[str]

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection:
                    self.asked.append(connection.recv(65_536).split(b" HTTP")[0].decode())


@contextmanager
def proxied(folder: Path, port: int) -> Iterator[httpx.Client]:
    """A client of the proxy before servers that are all at ``port``."""
    (folder / "secrets").mkdir()
    certificate(folder / "secrets")
    ports = {"proxy": free_port()} | dict.fromkeys(SERVERS, port)
    file = folder / "nginx.conf"
    file.write_text(proxy_configuration(folder, ports))
    assert NGINX is not None
    proxy = subprocess.Popen([NGINX, "-e", f"{folder}/error.log", "-c", str(file)])
    try:
        until(lambda: is_open(ports["proxy"]))
        trusted = ssl.create_default_context(cafile=str(folder / "secrets/tls_certificate"))
        with httpx.Client(base_url=f"https://localhost:{ports['proxy']}", verify=trusted) as client:
            yield client
    finally:
        end(proxy)


@needs_nginx
@needs_openssl
def test_what_reads_the_whole_ledger_is_asked_of_one_server_that_may_take_its_time(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    ledger, person = "GET /v1/subjects/ann/ledger?check_chain=true", "GET /v1/subjects/ann"
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        proxied(tmp_path, listening.getsockname()[1]) as client,
    ):
        servers = Breaking(listening, [])
        threading.Thread(target=servers.serve, daemon=True).start()
        assert [client.get(it.removeprefix("GET ")).status_code for it in (ledger, person)] == [
            503
        ] * 2
        listening.shutdown(socket.SHUT_RDWR)
    assert servers.asked == [ledger, person, person]
    (its_own,) = re.findall(r"location ~ \S+/ledger\$ \{(.*?)\}", PROXY, re.DOTALL)
    assert "proxy_read_timeout 300s;" in its_own


@needs_openssl
def test_secrets_are_made_once_and_let_nobody_else_in(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(made) == {"PERSE_MASTER_KEY", "PERSE_TOKEN_SIGNING_KEYS", "postgres_password",
                         "PERSE_DATABASE_URL"}  # fmt: skip
    assert made["postgres_password"].strip() in made["PERSE_DATABASE_URL"]
    assert folder.stat().st_mode & 0o077 == 0
    make_secrets(folder)
    assert {file.name: file.read_text() for file in folder.iterdir()} == made


def make_secrets(folder: Path) -> None:
    words = ["sh", str(REPOSITORY / "deploy/make-secrets.sh"), str(folder)]
    subprocess.run(words, check=True, capture_output=True)


@dataclass(frozen=True)
class Installation:
    """``servers``: their processes; ``url``: the proxy's; ``api_key``: the first one;
    ``collector``: of their traces."""

    folder: Path
    servers: dict[str, subprocess.Popen[bytes]]
    ports: dict[str, int]
    url: str
    api_key: str
    collector: Collector

    def client(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=str(self.folder / "secrets/tls_certificate"))
        return httpx.Client(
            base_url=self.url, verify=trusted, headers={"x-api-key": self.api_key}, timeout=60
        )

    def perse(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command with what the first server is given."""
        given = environment(self.folder, SERVERS[0], self.ports)
        return subprocess.run([*PERSE, *words], env=given, capture_output=True, text=True)  # noqa: PLW1510


def environment(folder: Path, name: str, ports: dict[str, int]) -> dict[str, str]:
    """What compose gives that server; paths and addresses are those of this machine."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PERSE_")}
    told = {k: str(v) for k, v in SERVICES[name]["environment"].items()}
    assert told["PERSE_SECRETS_DIR"] == "/run/secrets"
    return clean | told | {
        "PERSE_SECRETS_DIR": str(folder / "secrets"),
        "PERSE_DATA_DIR": str(folder / name),
        "PERSE_PORT": str(ports[name]),
        "PERSE_TRUSTED_PROXIES": "127.0.0.0/8",
        "PERSE_OFFLINE": "true",
        "COLUMNS": "200",
    }  # fmt: skip


def proxy_configuration(folder: Path, ports: dict[str, int]) -> str:
    text = PROXY.replace("/tmp/", f"{folder}/").replace("/run/secrets", f"{folder}/secrets")  # noqa: S108
    for name in SERVERS:
        text = text.replace(f"{name}:8080", f"127.0.0.1:{ports[name]}")
    return "daemon off;\n" + text.replace("listen 8443", f"listen 127.0.0.1:{ports['proxy']}")


@pytest.fixture(scope="module")
def installation(
    cluster: Cluster, network_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("compose")
    folder.chmod(0o755)
    make_secrets(folder / "secrets")
    put(folder / "secrets/PERSE_DATABASE_URL", cluster.new_database())
    certificate(folder / "secrets")
    ports = {name: free_port() for name in (*SERVERS, "proxy")}
    with ExitStack() as stack:
        servers, collector = {}, stack.enter_context(collecting())
        for name in SERVERS:  # the second when the first is well, as compose does
            (folder / name).mkdir()
            (folder / name / "weights").symlink_to(network_files)
            given = environment(folder, name, ports) | {"PERSE_TRACES": collector.url}
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            servers[name] = subprocess.Popen([*PERSE, "serve"], env=given, stderr=log)
            stack.callback(end, servers[name])
            until(lambda given=given, log=log: is_well(given, Path(log.name)))  # type: ignore[misc]
        file = folder / "nginx.conf"
        file.write_text(proxy_configuration(folder, ports))
        assert NGINX is not None
        proxy = subprocess.Popen([NGINX, "-e", f"{folder}/error.log", "-c", str(file)])
        stack.callback(end, proxy)
        until(lambda: is_open(ports["proxy"]))
        (api_key,) = re.findall(r"x-api-key: ([0-9a-f-]{36})", (folder / "perse-1.log").read_text())
        url = f"https://localhost:{ports['proxy']}"
        yield Installation(folder, servers, ports, url, api_key, collector)


def is_well(given: dict[str, str], log: Path) -> bool:
    """By the health check that compose runs."""
    (check, python, *words) = SERVICES[SERVERS[0]]["healthcheck"]["test"]
    assert (check, python) == ("CMD", "python")
    if "ready at" not in log.read_text():
        return False
    return subprocess.run([sys.executable, *words], env=given, capture_output=True).returncode == 0  # noqa: PLW1510


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def put(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text(text)


def certificate(folder: Path) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", str(folder / "tls_key"),
             "-out", str(folder / "tls_certificate")]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)
    (folder / "tls_key").chmod(0o444)


pytest_openssl = [needs_nginx, needs_openssl, pytest.mark.xdist_group("deploy")]


class TestBroughtUp:
    pytestmark = pytest_openssl

    def test_somebody_enrolled_through_one_server_is_known_to_both(
        self, installation: Installation
    ) -> None:
        picture = (PORTRAITS / "obama_2010.jpg").read_bytes()
        with installation.client() as client:
            token = enrolled(client)
            answers = [
                client.post(
                    "/v0/face/compare",
                    files={"image_file": picture},
                    data={**CONSENT, "user_token": token},
                )
                for _ in range(4)
            ]
        threshold = answers[0].json()["default_thresholds"]["similarity"]
        assert all(answer.json()["similarity"] >= threshold for answer in answers)
        served = [(installation.folder / f"{name}.log").read_text() for name in SERVERS]
        assert all("/v0/face/compare" in log for log in served)

    def test_sessions_begun_at_one_server_are_known_to_both(
        self, installation: Installation
    ) -> None:
        with installation.client() as client:
            login = client.post("/v0/login", json={"privateKey": installation.api_key})
            session = login.json()["token"]
        for name in SERVERS:
            url = f"http://127.0.0.1:{installation.ports[name]}/v0/face/enrollment/list"
            headers = {"Authorization": f"Bearer {session}"}
            assert httpx.get(url, headers=headers).status_code == 200

    def test_the_doctor_finds_that_they_fit(self, installation: Installation) -> None:
        servers = [f"http://127.0.0.1:{installation.ports[name]}" for name in SERVERS]
        options = [word for url in servers for word in ("--server", url)]
        done = installation.perse("doctor", "--deep", *options)
        assert done.returncode == 0, done.stdout
        for url in servers:
            assert re.search(rf"ok\s+{url}: ready in .*the same signing keys", done.stdout)
        assert "FAIL" not in done.stdout

    def test_metrics_are_not_for_the_world_and_encryption_is(
        self, installation: Installation
    ) -> None:
        with installation.client() as client:
            assert client.get("/metrics").status_code == 404
            ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert "max-age" in ready.headers["Strict-Transport-Security"]
        with pytest.raises(httpx.HTTPError):
            httpx.get(installation.url.replace("https", "http") + "/", timeout=5).raise_for_status()

    def test_a_request_is_one_trace_through_proxy_server_and_database(
        self, installation: Installation
    ) -> None:
        picture = (PORTRAITS / "obama_2010.jpg").read_bytes()
        trace_id, proxy = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        with installation.client() as client:
            token = enrolled(client)
            answer = client.post(
                "/v0/face/compare",
                files={"image_file": picture},
                data={**CONSENT, "user_token": token},
                headers={"traceparent": f"00-{trace_id}-{proxy}-01"},
            )
        whole, *parts = installation.collector.trace(trace_id)
        assert (whole.name, whole.parent_id) == ("POST /v0/face/compare", proxy)
        assert whole.attributes["perse.request_id"] == answer.headers["x-request-id"]
        assert {it.value for it in Stage} | {"SELECT"} <= {part.name for part in parts}
        names = {span.span_id: span.name for span in (whole, *parts)}
        assert {names[it.parent_id] for it in parts if it.name == "SELECT"} == {"store"}
        logged = "".join((installation.folder / f"{it}.log").read_text() for it in SERVERS)
        assert f'"trace_id": "{trace_id}"' in logged
        told = b" ".join(installation.collector.bodies)
        assert b"SELECT" in told
        for secret in (token, installation.api_key, "obama", "127.0.0.1"):
            assert secret.encode() not in told

    def test_when_one_is_killed_the_other_goes_on(self, installation: Installation) -> None:
        installation.servers[SERVERS[0]].kill()
        installation.servers[SERVERS[0]].wait(10)
        with installation.client() as client:
            statuses = [client.get("/version").status_code for _ in range(6)]
        assert statuses == [200] * 6

    def test_when_nobody_is_left_the_proxy_says_it_as_they_would(
        self, installation: Installation
    ) -> None:
        for server in installation.servers.values():
            server.kill()
            server.wait(10)
        with installation.client() as client:
            answer = client.post("/v0/face/detect", files={"image_file": bytes(200_000)})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Connection"] == "close"
        assert answer.json().keys() == {"code", "message", "status"}
        assert answer.json()["code"] == "overloaded"


def enrolled(client: httpx.Client) -> str:
    picture = (PORTRAITS / "obama_2009.jpg").read_bytes()
    answer = client.post("/v0/face/enrollment", files={"image_file": picture}, data=CONSENT)
    token: str = answer.json()["user_token"]
    return token
