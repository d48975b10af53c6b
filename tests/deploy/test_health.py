"""What a container's health check runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from perse.health import address, is_ready, main
from tests.nginx import free_port
from tests.served import serving


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"PERSE_HOST": "0.0.0.0", "PERSE_PORT": "9000"}, "http://127.0.0.1:9000"),  # noqa: S104
        ({"PERSE_HOST": "::"}, "http://[::1]:8080"),
        ({"PERSE_HOST": "192.0.2.7"}, "http://192.0.2.7:8080"),
    ],
)
def test_it_asks_where_the_server_of_this_machine_listens(
    variables: dict[str, str], asked: str
) -> None:
    assert address(variables) == asked


def test_a_server_that_is_ready_is_well_and_one_that_is_gone_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving() as served:
        assert main([served.url]) == 0
        assert not is_ready(f"{served.url}/another/program")
    assert main([served.url]) == 1
    assert capsys.readouterr().err == f"perse: not ready at {served.url}\n"


def test_whoever_does_not_answer_in_time_is_not_well() -> None:
    assert not is_ready(f"http://127.0.0.1:{free_port()}", patience_s=0.1)


def test_it_loads_nothing_that_takes_time() -> None:
    """It runs every few seconds, on each server."""
    script = "import sys, perse.health; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    words = [sys.executable, "-I", "-c", script]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert "perse" in loaded
    assert set(loaded) - {"perse"} - sys.stdlib_module_names - _of_the_environment() == set()


def _of_the_environment() -> set[str]:
    """What Python loads here before it runs anything: the paths of editable packages."""
    words = [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    return {module.partition(".")[0] for module in loaded}
