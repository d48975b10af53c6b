from __future__ import annotations

import pytest

from perse.api.http.proxies import is_trusted, party_of
from perse.errors import SettingsInvalid
from perse.settings import load_settings

PROXIES = "10.0.0.0/8, 192.0.2.7, fd00::/8,"


@pytest.mark.parametrize(
    "peer", ["10.1.2.3", "192.0.2.7", "::ffff:10.1.2.3", "::FFFF:c000:207", "fd12::1"]
)
def test_a_peer_in_a_network_of_the_setting_is_trusted(peer: str) -> None:
    assert is_trusted(peer, load_settings(trusted_proxies=PROXIES).trusted_proxies)


@pytest.mark.parametrize(
    "peer", ["11.0.0.1", "192.0.2.8", "::ffff:11.0.0.1", "fe80::1%eth0", "::1", "", "proxy", None]
)
def test_every_other_peer_is_not(peer: str | None) -> None:
    assert not is_trusted(peer, load_settings(trusted_proxies=PROXIES).trusted_proxies)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.1", None])
def test_nobody_is_trusted_unless_it_is_set(peer: str | None) -> None:
    assert not is_trusted(peer, load_settings().trusted_proxies)


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1"])
def test_what_is_no_network_stops_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSE_TRUSTED_PROXIES", value)
    with pytest.raises(SettingsInvalid, match="PERSE_TRUSTED_PROXIES"):
        load_settings()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:0:ffff::", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        (None, "", True),
    ],
)
def test_one_host_is_one_party(one: str | None, other: str | None, same: bool) -> None:
    """An IPv6 host has 2^64 addresses to choose from."""
    assert (party_of(one) == party_of(other)) is same
