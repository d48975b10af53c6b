"""Many files become subjects at the command line, as an operator does it, and are searched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from perse.auth.api_keys import ApiKeys
from perse.errors import InvalidParameter, UserTokenNotFound
from tests.drawn_faces import smiley
from tests.journeys import operators
from tests.journeys.operators import PORTRAITS


@dataclass(frozen=True)
class Operator(operators.Operator):
    def import_from(self, source: Path, *options: str) -> Result:
        return self.run("subjects", "import", str(source), "--report", str(self.report), *options)


@pytest.fixture
def operator(
    pack_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    with Operator.at_work(pack_folders["standard"] / "weights", tmp_path, monkeypatch) as operator:
        yield operator


def test_a_folder_of_people_is_imported_and_shown_and_deleted(operator: Operator) -> None:
    Image.fromarray(smiley()).save(operator.people / "hopper" / "drawing.png")
    imported = operator.import_from(operator.people, "--consent-given")
    assert imported.exit_code == 1
    outcomes = {line["file"]: line.get("code", "kept") for line in operator.reported()}
    assert outcomes == {
        "hopper/drawing.png": "no_face_detected",
        "hopper/hopper_1984.jpg": "kept",
        "obama/obama_2009.jpg": "kept",
        "obama/obama_2012.jpg": "kept",
    }
    listed = map(json.loads, operator.run("subjects", "list", "--json").stdout.splitlines())
    assert {it["external_id"]: it["faces"] for it in listed} == {"hopper": 1, "obama": 2}
    assert "obama" in operator.run("subjects", "list").stdout
    shown = json.loads(operator.run("subjects", "show", "obama").stdout)
    assert [sample["model"] for sample in shown["samples"]["face"]] == ["sface"] * 2
    given = {entry.entry.declaration for entry in operator.storage.ledger.entries()}
    assert given == {"given", "not_needed"}
    receipt = operator.run("subjects", "delete", "obama", "--yes").stdout.strip()
    assert receipt.count(".") == 2
    with pytest.raises(UserTokenNotFound):
        operator.run("subjects", "show", shown["subject"]["id"])


def test_an_import_goes_on_where_it_ended(operator: Operator) -> None:
    hopper = operator.people / "hopper"
    shutil.move(hopper, operator.people.parent / "away")
    assert operator.import_from(operator.people).exit_code == 0
    shutil.move(operator.people.parent / "away", hopper)
    assert operator.import_from(operator.people).exit_code == 0
    assert [line["person"] for line in operator.reported()].count("obama") == 2
    assert operator.reported()[-1]["person"] == "hopper"
    assert operator.storage.subject_feed.total(operator.caller.tenant_id) == 3
    operator.report.unlink()
    assert operator.import_from(operator.people).exit_code == 0
    assert operator.storage.subject_feed.total(operator.caller.tenant_id) == 3


def test_where_consent_is_required_and_not_declared_nobody_is_made(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSE_CONSENT", "required")
    assert operator.import_from(operator.people).exit_code == 1
    assert {line["code"] for line in operator.reported()} == {"enduser_consent_required"}
    assert operator.run("subjects", "list", "--json").stdout == ""


def test_who_was_deleted_is_imported_again(operator: Operator) -> None:
    operator.import_from(operator.people)
    operator.run("subjects", "delete", "obama", "--yes")
    operator.report.unlink()
    assert operator.import_from(operator.people).exit_code == 0
    listed = map(json.loads, operator.run("subjects", "list", "--json").stdout.splitlines())
    assert {it["external_id"]: it["faces"] for it in listed} == {"hopper": 1, "obama": 2}


def test_a_table_may_say_whose_the_pictures_are_and_where_they_belong(
    operator: Operator,
) -> None:
    table = operator.people / "table.csv"
    table.write_text("person,file\ngrace,hopper/hopper_1984.jpg\ngrace,absent.jpg\n")
    with pytest.raises(InvalidParameter):
        operator.import_from(table, "--collection", "no/name")
    imported = operator.import_from(table, "--collection", "nobody-made-it")
    assert imported.exit_code == 1
    assert {line["code"] for line in operator.reported()} == {"collection_not_found", "unreadable"}


def test_who_was_imported_is_found_on_another_picture(operator: Operator) -> None:
    assert operator.run("identify", str(PORTRAITS / "obama_2010.jpg")).stdout == "nobody\n"
    operator.import_from(operator.people)
    picture = str(PORTRAITS / "obama_2010.jpg")
    found = json.loads(operator.run("identify", picture, "--json", "--consent-given").stdout)
    (candidate,) = found["candidates"]
    assert (candidate["external_id"], found["subjects"]) == ("obama", 2)
    assert found["threshold"]["comparisons"] == 3
    assert "obama" in operator.run("identify", picture).stdout
    stranger = operator.run("identify", str(PORTRAITS / "biden_2010.jpg"), "--fpir", "0.001")
    assert stranger.stdout == "nobody\n"
    noted = [it.entry for it in operator.storage.ledger.entries()]
    declared = [it.declaration for it in noted if it.operation == "identify"]
    assert declared == ["absent", "given", "absent", "absent"]


def test_with_several_tenants_one_is_named(operator: Operator) -> None:
    ApiKeys(operator.storage.keys).create("other")
    with pytest.raises(InvalidParameter, match="--key"):
        operator.import_from(operator.people)
    for mine in ("other", "app"):
        assert operator.run("subjects", "list", "--key", mine, "--json").stdout == ""
        assert operator.import_from(operator.people, "--key", mine).exit_code == 0
        listed = operator.run("subjects", "list", "--key", mine, "--json").stdout
        assert len(listed.splitlines()) == 2


def test_names_that_are_no_text_and_people_who_cannot_be_named_end_no_import(
    operator: Operator,
) -> None:
    (operator.people / "hopper").rename(operator.people / "grace\thopper")
    obama = operator.people / "obama"
    try:
        (obama / "obama_2009.jpg").rename(obama / os.fsdecode(b"caf\xe9.jpg"))
    except OSError:
        pytest.skip("this file system holds no names but text")
    assert operator.import_from(operator.people).exit_code == 1
    codes = [(line["person"], line.get("code", "kept")) for line in operator.reported()]
    assert sorted(codes) == [
        ("grace\thopper", "invalid_parameter"),
        ("obama", "kept"),
        ("obama", "kept"),
    ]
