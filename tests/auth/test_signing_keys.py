from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from perse.auth.key_file import SigningKeyFile
from perse.auth.signing_keys import SigningKey, SigningKeys, parse_signing_keys
from perse.errors import SettingsInvalid

RFC_8037 = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


def _pem(key: SigningKey) -> str:
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _kids(keys: SigningKeys) -> list[str]:
    return [key.kid for key in keys.keys]


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """Appendix A.3: the key of A.1 has this thumbprint."""
    key = parse_signing_keys(json.dumps(RFC_8037)).newest
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key.public_jwk()["x"] == RFC_8037["x"]


def test_keys_read_back_from_a_jwk_set_and_from_pem_blocks() -> None:
    keys = SigningKeys((SigningKey.generate(), SigningKey.generate()))
    assert _kids(parse_signing_keys(json.dumps(keys.private_jwks()))) == _kids(keys)
    assert _kids(parse_signing_keys("\n".join(_pem(key) for key in keys.keys))) == _kids(keys)


def test_the_published_keys_hold_nothing_private() -> None:
    published = SigningKeys((SigningKey.generate(),)).public_jwks()["keys"][0]
    assert set(published) == {"kty", "crv", "alg", "use", "kid", "x"}


def test_repr_shows_no_key() -> None:
    key = SigningKey.generate()
    assert key.private_jwk()["d"] not in repr(SigningKeys((key,)))


def _wrong_curve() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "{",
        "{}",
        '{"keys": []}',
        '{"keys": 1}',
        '{"keys": [1]}',
        '{"kty": "oct", "k": "AAAA"}',
        '{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}',
        '{"kty": "OKP", "crv": "Ed25519", "d": "AAAA"}',
        '{"kty": "OKP", "crv": "Ed25519", "d": 1}',
        json.dumps(RFC_8037 | {"x": SigningKey.generate().public_jwk()["x"]}),
        json.dumps({name: value for name, value in RFC_8037.items() if name != "x"}),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        _wrong_curve(),
    ],
)
def test_anything_but_ed25519_private_keys_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_signing_keys(text)
    assert not text or len(text) < 5 or text not in caught.value.message


def test_a_file_of_anything_is_no_key_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(bytes(range(256)))
    (tmp_path / "keys").chmod(0o600)
    with pytest.raises(SettingsInvalid):
        SigningKeyFile(tmp_path / "keys").open()


def test_a_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = SigningKeyFile(tmp_path / "data" / "signing-keys.json")
    keys = file.open()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert _kids(file.open()) == _kids(keys)
    assert {path.name for path in file.path.parent.iterdir()} == {"signing-keys.json", ".locks"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = SigningKeyFile(tmp_path / "signing-keys.json")
    file.open()
    file.path.chmod(mode)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        file.open()


def test_concurrent_first_starts_agree_on_the_keys(tmp_path: Path) -> None:
    file = SigningKeyFile(tmp_path / "signing-keys.json")
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: _kids(file.open())[0], range(8)))
    assert len(set(opened)) == 1


def test_rotations_at_the_same_time_lose_no_key(tmp_path: Path) -> None:
    file = SigningKeyFile(tmp_path / "signing-keys.json")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: file.rotate(), range(2)))
    # One was made, as at a first start, and each rotation put a key before it.
    assert len(set(_kids(file.open()))) == 3


def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "signing-keys.json").mkdir(mode=0o700)
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        SigningKeyFile(tmp_path / "signing-keys.json").open()


def test_rotation_puts_a_fresh_key_first_and_keeps_the_last_ones(tmp_path: Path) -> None:
    file = SigningKeyFile(tmp_path / "signing-keys.json")
    first = file.open().newest.kid
    second = file.rotate().newest.kid
    assert _kids(file.open()) == [second, first]
    file.rotate()
    file.rotate()
    assert len(file.open().keys) == 3
    assert first not in _kids(file.open())
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
