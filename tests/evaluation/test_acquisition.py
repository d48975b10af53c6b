from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from perse.errors import InvalidFileType, NetworkUnusable, NoFaceDetected
from perse.evaluation.acquisition import AcquireAll, Acquired, Failed
from perse.evaluation.sample_cache import SampleCache, forget_samples
from perse.evaluation.sample_files import SampleFile


def _acquire(content: bytes) -> Acquired:
    match content:
        case b"wall":
            raise NoFaceDetected("no face")
        case b"text":
            raise InvalidFileType("no picture")
        case b"bug":
            raise NetworkUnusable("damaged")
        case b"stop":
            raise KeyboardInterrupt
    vector = np.array([0.6, 0.8], np.float32)
    return Acquired(vector, {"sharpness": len(content) / 10}, pad=0.25)


def _files(folder: Path, *contents: bytes) -> list[SampleFile]:
    for number, content in enumerate(contents):
        (folder / f"{number}.jpg").write_bytes(content)
    return [SampleFile(folder / f"{n}.jpg", f"{n}.jpg", "ann") for n in range(len(contents))]


def test_failures_keep_their_place(tmp_path: Path) -> None:
    files = _files(tmp_path, b"face", b"wall", b"text")
    files.append(SampleFile(tmp_path / "gone.jpg", "gone.jpg", "ann"))
    seen: list[str] = []
    outcomes = AcquireAll(_acquire, workers=2)(files, lambda file: seen.append(file.name))
    assert isinstance(outcomes[0], Acquired)
    codes = [outcome.code for outcome in outcomes[1:] if isinstance(outcome, Failed)]
    assert codes == ["no_face_detected", "invalid_file_type", "unreadable"]
    assert sorted(seen) == sorted(file.name for file in files)


def test_an_error_of_the_set_up_is_no_failure_to_acquire(tmp_path: Path) -> None:
    with pytest.raises(NetworkUnusable):
        AcquireAll(_acquire)(_files(tmp_path, b"bug"))


def test_what_is_cached_comes_back_and_is_not_run_anew(tmp_path: Path) -> None:
    cache = SampleCache.at(tmp_path / "data", "faces-1")
    files = _files(tmp_path, b"face", b"wall")
    first = AcquireAll(_acquire, cache)(files)
    again = AcquireAll(_never, cache)(files)
    assert isinstance(first[0], Acquired)
    assert isinstance(again[0], Acquired)
    assert np.array_equal(first[0].vector, again[0].vector)
    assert (again[0].measures, again[0].pad) == (first[0].measures, first[0].pad)
    assert again[1] == first[1]


def test_an_interrupt_keeps_what_was_done(tmp_path: Path) -> None:
    cache = SampleCache.at(tmp_path / "data", "faces-1")
    files = _files(tmp_path, b"face", b"stop", b"other")
    with pytest.raises(KeyboardInterrupt):
        AcquireAll(_acquire, cache)(files)
    assert isinstance(AcquireAll(_never, cache)(files[:1])[0], Acquired)


def test_the_cache_is_for_the_owner_alone_and_can_be_deleted(tmp_path: Path) -> None:
    AcquireAll(_acquire, SampleCache.at(tmp_path, "faces-1"))(_files(tmp_path, b"face"))
    (entry,) = (tmp_path / "evaluation-cache").rglob("*.json")
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    for folder in entry.relative_to(tmp_path).parents[:-1]:
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
    assert forget_samples(tmp_path) == 1
    assert forget_samples(tmp_path) == 0


def test_a_damaged_entry_counts_as_none(tmp_path: Path) -> None:
    cache = SampleCache.at(tmp_path, "faces-1")
    files = _files(tmp_path, b"face")
    AcquireAll(_acquire, cache)(files)
    (entry,) = (tmp_path / "evaluation-cache").rglob("*.json")
    entry.write_text('{"vector": "')
    assert isinstance(AcquireAll(_acquire, cache)(files)[0], Acquired)


def test_an_outcome_shows_nothing_biometric() -> None:
    assert repr(_acquire(b"face")) == "Acquired(2 values)"


def _never(_content: bytes) -> Acquired:
    raise AssertionError("the cache should have answered")
