"""Every command meets folders, files and outputs that cannot be used, as an operator would."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import TypeVar

import pytest

from perse.bootstrap.storage import open_storage
from perse.settings import load_settings
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStore
from tests.cli.every_command import COMMAND_LINES, words
from tests.cli.terminal import Ended, Line, Terminal, terminal
from tests.cli.test_command_line import COMMANDS
from tests.conftest import NOTHING_MAY_BE_SKIPPED, REPOSITORY

Case = TypeVar("Case")
PORTRAIT = REPOSITORY / "tests" / "samples" / "portraits" / "obama_2009.jpg"
# A user's rights: root's own folders, but no right to walk past their modes.
PLAIN_USER = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()
MOUNTS = """
mount --bind {0}/read_only {0}/read_only && mount -o remount,bind,ro {0}/read_only &&
mount -t tmpfs -o size=16k tmpfs {0}/full && exec "$@"
"""
# Where the data folder should be, and the commands that have no need of it there.
PLACES = {
    "file": {"models list", "evaluate forget"},
    "locked": set[str](),
    "used": {"models list", "models fetch", "models verify", "calibrate list", "evaluate forget"},
    "read_only/data": {"models list", "calibrate list", "evaluate forget"},
    "full": {"models list", "calibrate list", "evaluate forget"},
}
INPUTS = ("picture", "recording", "receipt", "jwks", "faces", "voices", "presentations", "groups")
UNREADABLE = ("absent", "folder", "file/below", "locked_file")
BAD_OUTPUTS = (
    "folder",
    "absent/out.png",
    "file/out.png",
    "used/out.png",
    "full/out.png",
    "out.xyz",
)
# Each command meets a few of the places of a kind, the next command the next few, so that every
# place is met by many. With PERSE_EVERY_PLACE=1 each meets all.
EVERY_PLACE = os.environ.get("PERSE_EVERY_PLACE") == "1"
# These say what they found on stdout, a line for each thing.
LISTING = {"doctor", "models verify", "db status"}


@dataclass(frozen=True)
class Office:
    """``good`` is a data folder in use; beside it lie folders and files of no use."""

    folder: Path
    opened: Terminal

    @property
    def good(self) -> Path:
        return self.folder / "good"

    def line(self, command: str, **changed: object) -> Line:
        inputs = dict[str, object].fromkeys(INPUTS, self.folder / "absent")
        names = inputs | {
            "data": self.good,
            "picture": PORTRAIT,
            "drawn": self.folder / "drawn.png",
            "report": self.folder / "report.html",
            "imported": self.folder / "imported.jsonl",
            "token": "00000000-0000-4000-8000-000000000000",
            "points": "none",
        }
        return Line(words(command, names | changed), str(self.folder), self.environment)

    def run(self, command: str, **changed: object) -> Ended:
        return self.opened.run(self.line(command, **changed))

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {"PERSE_PACK": "standard", "PERSE_OFFLINE": "true", "COLUMNS": "200"}


@pytest.fixture(scope="session")
def office(
    tmp_path_factory: pytest.TempPathFactory, catalog: Catalog, weights: WeightStore
) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    for name in ("good", "folder", "locked", "read_only", "full"):
        (folder / name).mkdir(mode=0o700)
    for name in ("file", "locked_file"):
        (folder / name).touch()
    (folder / "bytes").write_bytes(bytes(range(256)))
    (folder / "good" / "weights").symlink_to(REPOSITORY / "build" / "weights")
    open_storage(load_settings(data_dir=folder / "good")).close()
    shutil.copytree(folder / "good", folder / "used", symlinks=True)
    for path in folder.glob("used/*"):
        path.chmod(0o700 if path.is_symlink() else 0o400)
    (folder / "used").chmod(0o500)
    (folder / "locked").chmod(0o000)
    (folder / "locked_file").chmod(0o000)
    with terminal(*mounted(folder), *PLAIN_USER) as opened:
        yield Office(folder, opened)
    (folder / "locked").chmod(0o700)
    (folder / "used").chmod(0o700)


def mounted(folder: Path) -> tuple[str, ...]:
    """What runs a program where ``read_only`` and ``full`` are file systems of that kind."""
    own = ("unshare", "-m") if os.getuid() == 0 else ("unshare", "-rm")
    before = (*own, "sh", "-c", MOUNTS.format(folder), "sh")
    if shutil.which("unshare") and not subprocess.run([*before, "true"], check=False).returncode:
        return before
    if NOTHING_MAY_BE_SKIPPED:
        pytest.fail("this machine lets a test mount nothing")
    pytest.skip("this machine lets a test mount nothing")


def test_a_command_line_is_tried_for_every_command() -> None:
    assert sorted(f"perse {command}" for command in COMMAND_LINES) == sorted(COMMANDS)


def in_turn(cases: Sequence[Case], places: Sequence[str], count: int) -> list[tuple[Case, str]]:
    """Each of ``cases`` with the next ``count`` of ``places``, or with all of them."""
    if EVERY_PLACE:
        return list(product(cases, places))
    endless = cycle(places)
    return [(case, place) for case in cases for place in islice(endless, count)]


def uses(*names: str) -> list[tuple[str, str]]:
    """Every command that takes one of ``names``, with its name."""
    return [
        (c, name) for c, line in COMMAND_LINES.items() for name in names if f"{{{name}}}" in line
    ]


def named(part: object) -> str:
    return " ".join(part) if isinstance(part, tuple) else str(part)


DATA_FOLDERS = in_turn(list(COMMAND_LINES), list(PLACES), 2)
BAD_INPUTS = [
    *in_turn(uses(*INPUTS), UNREADABLE, 1),
    *((use, "bytes") for use in uses(*INPUTS)),
]
UNWRITABLE = [
    *product(uses("drawn"), BAD_OUTPUTS),
    *in_turn(uses("report"), BAD_OUTPUTS, 2),
]


def test_every_command_and_every_place_has_its_turn() -> None:
    assert {command for command, _ in DATA_FOLDERS} == set(COMMAND_LINES)
    assert {place for _, place in DATA_FOLDERS} == set(PLACES)
    assert {place for _, place in BAD_INPUTS} == {*UNREADABLE, "bytes"}
    assert {place for (_, name), place in UNWRITABLE if name == "report"} == set(BAD_OUTPUTS)


@pytest.mark.parametrize(("command", "place"), DATA_FOLDERS)
def test_a_data_folder_that_cannot_be_used_is_told(
    office: Office, command: str, place: str
) -> None:
    ended = office.run(command, data=office.folder / place)
    assert ended.status == (0 if command in PLACES[place] else 1), ended
    if ended.status:
        check_is_told(command, ended)


@pytest.mark.parametrize(("use", "bad"), BAD_INPUTS, ids=named)
def test_an_input_that_cannot_be_used_is_told(
    office: Office, use: tuple[str, str], bad: str
) -> None:
    command, name = use
    ended = office.run(command, **{name: office.folder / bad})
    assert ended.status == 1, ended
    check_is_told(command, ended)


@pytest.mark.parametrize(("use", "bad"), UNWRITABLE, ids=named)
def test_an_output_that_cannot_be_written_is_told(
    office: Office, use: tuple[str, str], bad: str
) -> None:
    test_an_input_that_cannot_be_used_is_told(office, use, bad)


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_a_full_disk_behind_stdout_is_told(office: Office, command: str) -> None:
    ended = office.opened.run(replace(office.line(command), output="/dev/full"))
    assert "Traceback" not in ended.stderr
    assert ended.status == 1 or not office.run(command).stdout
    if ended.status:
        check_is_told(command, ended)


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_a_reader_who_left_is_no_news(office: Office, command: str) -> None:
    """In the root folder and without a home, where a service starts."""
    homeless = {k: v for k, v in office.environment.items() if k != "HOME"}
    line = replace(office.line(command), folder="/", environment=homeless, output="closed")
    ended = office.opened.run(line)
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr
    assert ended.status in {0, 1}


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_a_folder_that_may_not_be_written_is_told_where_data_would_lie(
    office: Office, command: str
) -> None:
    line = office.line(command, data="data")
    ended = office.opened.run(replace(line, folder=str(office.folder / "used")))
    assert "Traceback" not in ended.stderr
    if ended.status:
        check_is_told(command, ended)


def check_is_told(command: str, ended: Ended) -> None:
    assert "Traceback" not in ended.stdout + ended.stderr, ended.stderr
    if command in LISTING and not ended.stderr.strip():
        assert ended.stdout.strip()
        return
    start = "" if command == "detect" else "perse: "  # which goes on with the next picture
    told = [line for line in ended.stderr.splitlines() if line and line.startswith(start)]
    assert len(told) == 1, ended
