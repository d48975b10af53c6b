"""What others' machines run of this repository is what we run, and what is promised is tried."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from typing import Any

import yaml

import perse
from tests.conftest import REPOSITORY


def text(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


def document(name: str) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(text(name))
    return content


PROJECT = tomllib.loads(text("pyproject.toml"))["project"]
WORKFLOW = document(".github/workflows/test.yml")
PROMISED = re.findall(r"\[(3\.\d+)\]=", text(".ci/locks"))


def test_every_promised_python_is_tried_on_both_systems() -> None:
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    assert matrix == {"system": ["ubuntu-latest", "macos-latest"], "python": PROMISED}
    assert PROJECT["requires-python"] == f">={PROMISED[0]}"


def test_a_fork_runs_what_everybody_runs_with_no_right_to_write() -> None:
    steps = WORKFLOW["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make test PYTHON=python"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "PERSE_REQUIRE_SHARED" not in text(".github/workflows/test.yml")


def test_before_a_commit_stands_make_check() -> None:
    (repository,) = document(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]


def test_the_version_is_told_once_and_has_its_heading() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert perse.__version__ == importlib.metadata.version("perse")
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1].split()[0] == perse.__version__
