"""Quotas, as an operator gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perse.bootstrap.storage import open_storage
from perse.errors import InvalidParameter, NotFound
from perse.settings import load_settings
from tests.cli.conftest import over


def test_a_tenant_is_given_a_quota_and_its_use_is_shown(tmp_path: Path) -> None:
    run = over(tmp_path)
    run("keys", "create", "app")
    with open_storage(load_settings(data_dir=tmp_path)) as storage:
        tenant = storage.keys.active_named("app").tenant_id
    assert run("tenants", "limit", tenant, "people", "5").stderr == f"{tenant}: people 5\n"
    run("tenants", "limit", tenant, "requests_per_day", "10000")
    used = [
        json.loads(line) for line in run("tenants", "usage", tenant, "--json").stdout.splitlines()
    ]
    assert [(it["quota"], it["used"], it["most"]) for it in used] == [
        ("requests_per_day", 0, 10_000),
        ("people", 0, 5),
        ("samples", 0, None),
    ]
    assert "10,000" in run("tenants", "usage", tenant).stdout
    run("tenants", "limit", tenant, "people", "none")
    assert '"people", "used": 0, "most": null' in run("tenants", "usage", tenant, "--json").stdout


def test_what_is_no_quota_is_told(tmp_path: Path) -> None:
    run = over(tmp_path)
    for most in ("many", "1.5", "²"):
        with pytest.raises(InvalidParameter, match="whole number, or none"):
            run("tenants", "limit", "nobody", "people", most)
    with pytest.raises(NotFound, match="no tenant nobody"):
        run("tenants", "limit", "nobody", "people", "5")
    with pytest.raises(NotFound):
        run("tenants", "usage", "nobody")
    assert run("tenants", "limit", "nobody", "cats", "5").exit_code == 2
