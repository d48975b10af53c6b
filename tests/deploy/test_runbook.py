"""``docs/runbook.md``: every alert has its entry, and the commands there do what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml
from structlog.testing import capture_logs
from typer.testing import CliRunner

from perse.api.http.error_catalogue import MEANING
from perse.api.http.lines import CloseCode
from perse.cli.application import app
from perse.stages import Stage
from tests.conftest import NOTHING_MAY_BE_SKIPPED, REPOSITORY
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices, settings
from tests.nginx import free_port
from tests.served import serving
from tests.storage.postgresql import Cluster

MONITORING = REPOSITORY / "deploy" / "kubernetes" / "monitoring"
(GROUP,) = yaml.safe_load((MONITORING / "rules.yaml").read_text())["spec"]["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
ALERTS = [rule["alert"] for rule in RULES]
PANELS: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
ASKED = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in PANELS for target in panel["targets"]
]
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")
ENTRIES = dict(re.findall(r"^## (\w+)\n(.+?)(?=^## |\Z)", RUNBOOK, re.DOTALL | re.MULTILINE))
COMMANDS = sorted(
    {
        line
        for block in re.findall(r"```sh\n(.+?)```", RUNBOOK, re.DOTALL)
        for line in block.splitlines()
    }
)
OURS = [line for line in COMMANDS if line.startswith("perse ")]
needs_jq = pytest.mark.skipif(
    shutil.which("jq") is None and not NOTHING_MAY_BE_SKIPPED, reason="there is no jq here"
)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_its_entry(alert: str) -> None:
    rule = RULES[ALERTS.index(alert)]
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{alert.lower()}"
    words = ("**Means**", "**Users see**", "**Look at**", "**Do**", "```sh")
    assert all(word in ENTRIES[alert] for word in words)


def test_every_entry_is_an_alerts() -> None:
    assert list(ENTRIES) == ALERTS


def values(label: str) -> set[str]:
    """That alerts and the dashboard ask for."""
    found = re.findall(rf'\b{label}=~?"([^"]+)"', " ".join(ASKED))
    return {value for several in found for value in several.split("|")}


def test_alerts_and_the_dashboard_ask_for_values_that_there_are() -> None:
    assert values("stage") <= {stage.value for stage in Stage}
    assert values("code") <= {error.code for error in MEANING}
    assert values("close_code") <= {str(code.value) for code in CloseCode}
    assert values("reason") <= {"full", "peer_full"}
    assert values("job") == {"perse"}


@contextmanager
def serving_with_traces() -> Iterator[str]:
    gone = f"http://127.0.0.1:{free_port()}"
    with serving(FakeServices(settings(traces=gone))) as served:
        httpx.get(f"{served.url}/nowhere")
        yield served.url


@dataclass(frozen=True)
class Place:
    """What the page's names stand for here."""

    names: dict[str, str]

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: PLW1510
            ["sh", "-c", f"set -eu\n{line}"],  # noqa: S607
            env={**os.environ, **self.names, "LC_ALL": "C"},
            capture_output=True,
            text=True,
        )


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    name = f"runbook_{uuid.uuid4().hex[:8]}"
    cluster.sql(f"CREATE DATABASE {name}")
    log = tmp_path_factory.mktemp("runbook") / "log"
    with capture_logs() as lines, serving_with_traces() as url:
        httpx.post(f"{url}/v0/face/detect", files={"image_file": picture()})
        fault = {"event": "fault", "level": "error", "exception": "Traceback: a fault"}
        told = [{**line, "level": line["log_level"]} for line in lines] + [fault]
        kept = ["this is no JSON", *map(json.dumps, told)]
        log.write_text("".join(f"{line}\n" for line in kept))
        programs = f"{cluster.programs}:{os.environ['PATH']}"
        address = cluster.url.replace("/postgres?", f"/{name}?")
        yield Place({"SERVER": url, "LOG": str(log), "DATABASE": address, "PATH": programs})


@needs_jq
@pytest.mark.parametrize("line", [line for line in COMMANDS if line not in OURS])
def test_a_command_of_the_page_runs(place: Place, line: str) -> None:
    done = place.run(line)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@needs_jq
def test_what_the_page_asks_of_a_log_is_found_in_one(place: Place) -> None:
    codes = next(line for line in COMMANDS if ".code) | .code" in line)
    assert "1 not_found" in place.run(codes).stdout
    assert "1 unauthorized" in place.run(codes).stdout
    faults = next(line for line in COMMANDS if '"fault"' in line)
    assert place.run(faults).stdout == "Traceback: a fault\n"


@pytest.mark.parametrize("line", OURS)
def test_a_command_of_ours_is_one(line: str) -> None:
    result = CliRunner().invoke(app, [*line.split()[1:], "--help"])
    assert result.exit_code == 0, result.output


def test_every_metric_that_alerts_and_the_dashboard_ask_for_is_told() -> None:
    named = set(re.findall(r"\b(?:perse|process)_\w+", " ".join(ASKED)))
    with serving_with_traces() as url:
        told = httpx.get(f"{url}/metrics").text
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)", told, re.MULTILINE))
    there = set(types)
    for name, kind in types.items():
        there |= {f"{name}_{it}" for it in ("bucket", "sum", "count") if kind == "histogram"}
    assert named - there == set()
    assert len(named) >= 20
