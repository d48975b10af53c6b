from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perse.errors import InvalidParameter
from perse.evaluation.groups import read_groups
from perse.evaluation.presentations import read_presentations
from perse.evaluation.sample_files import (
    PICTURES,
    SampleFile,
    folder_per_person,
    listed_files,
    numbers_of,
)
from perse.evaluation.trial_lists import Trial, read_trials


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_a_folder_is_a_person_and_nothing_vanishes_silently(tmp_path: Path) -> None:
    _touch(tmp_path, "ann/1.jpg", "ann/deeper/2.PNG", "bob/1.webp", "bob/notes.txt", "lost.jpg")
    _touch(tmp_path, "bob/.hidden.jpg", ".git/x/1.jpg")
    found = folder_per_person(tmp_path, PICTURES)
    assert [(file.name, file.person) for file in found.files] == [
        ("ann/1.jpg", "ann"),
        ("ann/deeper/2.PNG", "ann"),
        ("bob/1.webp", "bob"),
    ]
    assert found.left_out == ("bob/notes.txt", "lost.jpg")


@pytest.mark.parametrize("names", [(), ("a.jpg",), ("ann/a.txt",)])
def test_a_folder_without_samples_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidParameter, match="no folder per person"):
        folder_per_person(_touch(tmp_path, *names), PICTURES)


def test_a_table_says_whose_each_file_is(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("\ufefffile,note,person\n1.jpg,x,Änn\nsub/2.jpg,,bob\n", "utf-8")
    assert listed_files(table).files == (
        SampleFile(tmp_path / "1.jpg", "1.jpg", "Änn"),
        SampleFile(tmp_path / "sub" / "2.jpg", "sub/2.jpg", "bob"),
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column"),
        (b"person,files\nann,1.jpg\n", "no column file"),
        (b"person,file\n", "lists no files"),
        (b"person,file\nann\n", "line 2"),
        (b"person,file\n,1.jpg\n", "line 2"),
        (b"person,file\n\xff,1.jpg\n", "cannot be read"),
        (b'person,file\n"ann,1.jpg\n', "cannot be read"),
    ],
)
def test_a_table_that_says_it_of_no_file_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    table = tmp_path / "people.csv"
    table.write_bytes(content)
    with pytest.raises(InvalidParameter, match=says):
        listed_files(table)


def test_names_are_numbered_from_0_on() -> None:
    assert numbers_of(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert numbers_of([]).size == 0


def test_the_pairs_format_of_lfw(tmp_path: Path) -> None:
    _touch(tmp_path, "lfw/Ann_A/Ann_A_0001.jpg", "lfw/Bob_B/Bob_B_0003.png")
    listing = tmp_path / "pairs.txt"
    listing.write_text("10\t300\nAnn_A\t1\t2\nAnn_A\t1\tBob_B\t3\n")
    found = read_trials(listing, tmp_path / "lfw")
    assert [(file.name, file.person) for file in found.files] == [
        ("Ann_A/Ann_A_0001.jpg", "Ann_A"),
        ("Ann_A/Ann_A_0002.jpg", "Ann_A"),
        ("Bob_B/Bob_B_0003.png", "Bob_B"),
    ]
    assert found.trials == (Trial(0, 1, mated=True), Trial(0, 2, mated=False))
    assert not found.guessed_people


def test_labelled_trials_connect_files_to_people(tmp_path: Path) -> None:
    listing = tmp_path / "trials.txt"
    listing.write_text("1 a.wav b.wav\n1 b.wav c.wav\n0 a.wav d.wav\nnontarget c.wav d.wav\n")
    found = read_trials(listing, tmp_path)
    people = [file.person for file in found.files]
    assert len(set(people[:3])) == 1
    assert people[3] != people[0]
    assert found.guessed_people
    assert [trial.mated for trial in found.trials] == [True, True, False, False]


def test_names_with_spaces_need_tabs(tmp_path: Path) -> None:
    listing = tmp_path / "trials.txt"
    listing.write_text("1\tmy a.wav\tmy b.wav\n")
    assert [file.name for file in read_trials(listing, tmp_path).files] == ["my a.wav", "my b.wav"]


@pytest.mark.parametrize("text", ["", "10\n", "2 a b\n", "1 a\n", "5\nAnn x 2\n", "5\nAnn 1\n"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    listing = tmp_path / "pairs.txt"
    listing.write_text(text)
    with pytest.raises(InvalidParameter, match=r"pairs\.txt"):
        read_trials(listing, tmp_path)


def test_spoof_folders_are_species(tmp_path: Path) -> None:
    _touch(tmp_path, "live/ann/1.jpg", "spoof/print/ann/1.jpg", "spoof/screen/2.jpg", "spoof/x.txt")
    found = read_presentations(tmp_path)
    assert found.species == (None, "print", "screen")
    assert [file.person for file in found.files] == ["ann", "ann", "spoof/screen/2.jpg"]
    assert found.left_out == ("spoof/x.txt",)
    assert found.guessed_people


def test_spoof_folders_that_are_also_below_live_are_people(tmp_path: Path) -> None:
    _touch(tmp_path, "live/ann/1.jpg", "live/bob/1.jpg", "spoof/ann/1.jpg", "spoof/eve/1.jpg")
    found = read_presentations(tmp_path)
    assert found.species == (None, None, "attack", "attack")
    assert [file.person for file in found.files] == ["ann", "bob", "ann", "eve"]
    assert not found.guessed_people


@pytest.mark.parametrize(
    "names", [("live/1.jpg",), ("spoof/1.jpg",), ("live/1.jpg", "spoof/1.txt")]
)
def test_both_kinds_of_presentation_are_needed(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidParameter, match="live"):
        read_presentations(_touch(tmp_path, *names))


def test_groups_come_from_a_csv_by_person_or_by_file(tmp_path: Path) -> None:
    files = folder_per_person(_touch(tmp_path, "ann/1.jpg", "ann/2.jpg", "bob/1.jpg"), PICTURES)
    table = tmp_path / "groups.csv"
    table.write_text("Person,sex,age\nann,f,\nbob,m,40-49\n", encoding="utf-8-sig")
    groups = {(g.attribute, g.value): g.members.tolist() for g in read_groups(table, files.files)}
    assert groups == {
        ("sex", "f"): [True, True, False],
        ("sex", "m"): [False, False, True],
        ("age", "40-49"): [False, False, True],
    }
    table.write_text("file,device\nann/2.jpg,phone\n")
    (only,) = read_groups(table, files.files)
    assert np.flatnonzero(only.members).tolist() == [1]


@pytest.mark.parametrize("text", ["", "name,sex\nann,f\n", "person,sex\nnobody,f\n"])
def test_a_table_that_fits_nothing_is_refused(tmp_path: Path, text: str) -> None:
    files = folder_per_person(_touch(tmp_path, "ann/1.jpg"), PICTURES)
    table = tmp_path / "groups.csv"
    table.write_text(text)
    with pytest.raises(InvalidParameter, match=r"groups\.csv"):
        read_groups(table, files.files)
