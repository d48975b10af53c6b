"""What only lists, addresses and clusters need is not there for whoever asks for none of them."""

from __future__ import annotations

import subprocess
import sys

EXTRAS = ("ray", "fsspec", "pyarrow")


def run(program: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr


def without(*extras: str) -> str:
    """A program that is perse where they are not installed."""
    hidden = "".join(f"sys.modules[{name!r}] = None; " for name in extras)
    return f"import sys; {hidden}from perse.cli import main; main()"


def test_the_command_line_imports_none_of_them() -> None:
    loaded = run("import sys, perse.cli; print(*sys.modules)").split()
    assert "perse.cli.bulk" in loaded
    assert set(EXTRAS) & set(loaded) == set()


def test_what_needs_them_says_how_to_get_them() -> None:
    install = "pip install 'perse[cluster]'"
    for line in (
        ("bulk", "enrol", "s3://bucket/people"),
        ("bulk", "embed", ".", "--plaintext", "templates.parquet"),
    ):
        assert install in run(without(*EXTRAS), *line)
