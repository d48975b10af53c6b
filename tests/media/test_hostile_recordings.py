from __future__ import annotations

import time

import pytest

from perse.errors import PerseError
from perse.media.audio_decoder import decode_audio
from tests.media.hostile_recordings import FOLDER, files

EXPECTED = dict(line.split("\t") for line in (FOLDER / "expected.tsv").read_text().splitlines())


def answer(data: bytes) -> str:
    try:
        decode_audio(data)
    except PerseError as error:
        return error.code
    return "ok"


def test_the_folder_is_complete() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*EXPECTED, "expected.tsv"}
    assert {name: code for name, (_, code) in files().items()} == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_gets_its_answer_at_once(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    started = time.process_time()
    assert answer(data) == EXPECTED[name]
    assert time.process_time() - started < 1


def test_decoders_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for path in FOLDER.iterdir():
        answer(path.read_bytes())
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
