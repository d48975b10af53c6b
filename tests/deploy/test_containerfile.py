"""``deploy/Containerfile``: what a build would find out late."""

from __future__ import annotations

import re

from tests.conftest import REPOSITORY

CONTAINERFILE = (REPOSITORY / "deploy/Containerfile").read_text()
BUILD, IMAGE = CONTAINERFILE.split("FROM scratch")
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(lock: str) -> set[tuple[str, str]]:
    return set(PINNED.findall((REPOSITORY / "requirements" / lock).read_text()))


def test_the_image_has_the_versions_that_are_tested() -> None:
    assert pins("image.txt") - pins("dev.txt") == set()
    assert pins("build.txt") - pins("dev.txt") == set()


def test_the_image_has_everything_that_serves() -> None:
    """All of the server's lock but what only builds; what is of Windows or a browser aside."""
    assert pins("serve.txt") - pins("image.txt") - pins("build.txt") == set()


def test_the_image_can_talk_to_postgresql_and_holds_nothing_that_only_builds() -> None:
    names = {name for name, _ in pins("image.txt")}
    assert {"psycopg", "psycopg-binary", "onnxruntime"} <= names
    assert not names & {"pip", "setuptools", "hatchling", "editables", "pytest"}


def test_whatever_is_installed_is_checked_against_its_hash() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install (?:[^&]|&(?!&))*", BUILD)
    assert len(installs) == 3
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line or "--no-index /wheel/" in line


def test_what_runs_is_nobody_and_asks_itself_how_it_is() -> None:
    assert "USER 10001:10001" in IMAGE
    assert re.search(r'HEALTHCHECK .*\\\n\s+CMD \[".*python", "-I", "-m", "perse.health"\]', IMAGE)
    assert "RUN" not in IMAGE
    assert "curl" not in CONTAINERFILE


def test_no_line_is_of_one_processor() -> None:
    script = (REPOSITORY / "deploy/runtime.sh").read_text()
    assert not re.search(r"amd64|x86|arm64|aarch64", CONTAINERFILE + script)
