"""A Ray cluster of this machine, with a token and certificates of its own."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# Less than this Ray does not take; nothing is kept in it.
_OBJECT_STORE_BYTES = 80_000_000


def own_address() -> str:
    """Of this machine, as Ray finds it: it does not take the loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def closed_to_others(folder: Path) -> Mapping[str, str]:
    """Ray's variables, with a new token and new certificates."""
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    authority, node = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    ca = _certificate("authority", authority.public_key(), "authority", authority, is_ca=True)
    certificate = _certificate("node", node.public_key(), "authority", authority)
    files = {
        "RAY_TLS_CA_CERT": ca.public_bytes(Encoding.PEM),
        "RAY_TLS_SERVER_CERT": certificate.public_bytes(Encoding.PEM),
        "RAY_TLS_SERVER_KEY": node.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in files} | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USE_TLS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # else actors wait for whatever else runs here
    }


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    signed_by: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    places = [ip_address("127.0.0.1"), ip_address(own_address())]
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(it) for it in places]), critical=False
        )
        .sign(signed_by, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Of this process and of what it starts meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass
class Machines:
    """A head node that runs nothing, and others that run ``cpus`` actors each."""

    cluster: Any
    cpus: int

    @classmethod
    def start(cls, cpus: int) -> Machines:
        from ray.cluster_utils import Cluster  # noqa: PLC0415 - with the variables of the fixture

        started = cls(Cluster(), cpus)
        started.add(cpus=0)
        return started

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    @property
    def folder(self) -> Path:
        """Where Ray writes whatever it writes."""
        return Path(self.cluster.head_node.get_session_dir_path())

    def add(self, cpus: int | None = None) -> Any:  # noqa: ANN401 - Ray's node
        return self.cluster.add_node(
            num_cpus=self.cpus if cpus is None else cpus,
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            wait=False,
        )

    def kill(self, node: Any) -> None:  # noqa: ANN401
        """As if its power went."""
        self.cluster.remove_node(node, allow_graceful=False)

    def stop(self) -> None:
        self.cluster.shutdown()
