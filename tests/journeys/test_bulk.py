"""Bulk work at the command line, as an operator does it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyarrow import parquet
from typer.testing import Result

from perse.errors import PerseError, SetupError
from tests.conftest import REPOSITORY
from tests.drawn_faces import smiley
from tests.journeys import operators
from tests.journeys.operators import PORTRAITS


@dataclass(frozen=True)
class Operator(operators.Operator):
    def enrol(self, source: Path | str, *options: str) -> Result:
        return self.run("bulk", "enrol", str(source), "--report", str(self.report), *options)

    def told(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """What the audit log says of bulk work: act, target, outcome and numbers."""
        entries = [link.entry for link in self.storage.journal.log.entries()]
        return [
            (
                it.deed.act,
                it.deed.target,
                it.outcome,
                {key: n for key, n in it.deed.details.items() if isinstance(n, int)},
            )
            for it in entries
            if it.deed.act.startswith("bulk_") and it.deed.tenant_id == self.caller.tenant_id
        ]

    def faces(self) -> dict[str, int]:
        listed = self.run("subjects", "list", "--json").stdout.splitlines()
        return {it["external_id"]: it["faces"] for it in map(json.loads, listed)}

    def models(self, person: str) -> list[str]:
        shown = json.loads(self.run("subjects", "show", person).stdout)
        return [sample["model"] for sample in shown["samples"]["face"]]


@pytest.fixture
def operator(
    pack_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    with Operator.at_work(pack_folders["standard"] / "weights", tmp_path, monkeypatch) as operator:
        Image.fromarray(smiley()).save(operator.people / "hopper" / "drawing.png")
        yield operator


def test_a_folder_is_enrolled_once_however_often_it_is_gone_through(operator: Operator) -> None:
    assert operator.enrol(f"file://{operator.people}", "--consent-given").exit_code == 1
    outcomes = {line["file"]: line.get("code", "kept") for line in operator.reported()}
    assert outcomes == {
        "hopper/drawing.png": "no_face_detected",
        "hopper/hopper_1984.jpg": "kept",
        "obama/obama_2009.jpg": "kept",
        "obama/obama_2012.jpg": "kept",
    }
    operator.report.unlink()
    again = operator.enrol(f"file://{operator.people}")
    assert [line["file"] for line in operator.reported()] == ["hopper/drawing.png"]
    assert "3 had become samples before" in again.stderr
    assert operator.faces() == {"hopper": 1, "obama": 2}
    assert operator.told() == [
        ("bulk_enrol", "4 items", "begun", {}),
        ("bulk_enrol", "4 items", "done", {"samples": 3, "refused": 1}),
        ("bulk_enrol", "4 items", "begun", {}),
        ("bulk_enrol", "4 items", "done", {"refused": 1}),
    ]
    given = {it.entry.declaration for it in operator.storage.ledger.entries()}
    assert given == {"given", "not_needed", "absent"}


def test_a_file_that_is_listed_twice_is_told_of_twice_and_becomes_one_sample(
    operator: Operator,
) -> None:
    listed = operator.people / "list.csv"
    listed.write_text("person,file\n" + "obama,obama/obama_2009.jpg\n" * 2)
    enrolled = operator.enrol(listed)
    assert "had become samples before" not in enrolled.stderr
    one, same = operator.reported()
    assert one == same
    assert operator.faces() == {"obama": 1}
    assert "2 had become samples before" in operator.enrol(listed).stderr


def test_who_was_deleted_does_not_come_back_by_the_same_source(operator: Operator) -> None:
    operator.enrol(operator.people)
    operator.run("subjects", "delete", "obama", "--yes")
    operator.enrol(operator.people)
    assert operator.faces() == {"hopper": 1}


def test_a_killed_worker_loses_nothing_and_does_nothing_twice(operator: Operator) -> None:
    """By a Ray of this machine alone; nothing of a picture or a template comes into it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="r") as ray_folder:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.bulk.killed_worker", operator.data, operator.people],
            cwd=REPOSITORY,
            env={**os.environ, "RAY_TMPDIR": ray_folder},
            capture_output=True,
            text=True,
            check=True,
        )
        marks = _marks(operator)
        written = [it for it in Path(ray_folder).rglob("*") if it.is_file()]
        assert len(written) > 3
        held = [it for it in written if any(mark in it.read_bytes() for mark in marks)]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["became"] == {
        "hopper/drawing.png": "no_face_detected",
        "hopper/hopper_1984.jpg": "kept",
        "obama/obama_2009.jpg": "kept",
        "obama/obama_2012.jpg": "kept",
    }
    assert (operator.data / "killed").exists()
    assert operator.faces() == {"hopper": 1, "obama": 2}
    assert (held, said["stored_bytes"]) == ([], 0)


def _marks(operator: Operator) -> list[bytes]:
    """Some bytes of each picture, and of each template as it is in memory."""
    tenant = operator.caller.tenant_id
    pictures = [it.read_bytes()[200:232] for it in operator.people.rglob("*.jpg")]
    templates = [
        face.template.vector.tobytes()[:16]
        for token in operator.storage.reference_list.tokens(tenant)
        for face in operator.storage.references.faces(tenant, token)
    ]
    assert len(templates) == 3
    return [*pictures, *templates]


def test_a_bulk_evaluation_is_that_of_one_machine_to_the_bit(operator: Operator) -> None:
    (operator.people / "obama" / "again.jpg").write_bytes(
        (PORTRAITS / "obama_2010.jpg").read_bytes()
    )
    embedded = operator.run("bulk", "embed", str(operator.people))
    assert "4 templates." in embedded.stderr
    assert [json.loads(line)["code"] for line in embedded.stdout.splitlines()] == [
        "no_face_detected"
    ]
    bulk = json.loads(operator.run("bulk", "evaluate", str(operator.people), "--json").stdout)
    alone = json.loads(operator.run("evaluate", "face", str(operator.people), "--json").stdout)
    assert bulk["provenance"].pop("at")
    assert alone["provenance"].pop("at")
    assert bulk == alone
    pairs = operator.people.parent / "pairs.txt"
    pairs.write_text(
        "1 obama/obama_2009.jpg obama/obama_2012.jpg\n0 obama/again.jpg hopper/hopper_1984.jpg\n"
    )
    listed = ("--root", str(operator.people), "--json")
    bulk = json.loads(operator.run("bulk", "evaluate", str(pairs), *listed).stdout)
    alone = json.loads(operator.run("evaluate", "face", str(pairs), *listed).stdout)
    assert bulk["provenance"].pop("at")
    assert alone["provenance"].pop("at")
    assert bulk == alone
    assert "5 sealed outcomes" in operator.run("bulk", "forget").stderr
    assert operator.told() == [
        ("bulk_forget", "", "begun", {}),
        ("bulk_forget", "", "done", {"destroyed": 5}),
    ]


def test_templates_are_in_plaintext_only_where_that_is_asked_for(operator: Operator) -> None:
    table = operator.people.parent / "templates.parquet"
    operator.run("bulk", "embed", str(operator.people), "--plaintext", str(table))
    rows = parquet.read_table(table).to_pylist()
    assert {(row["person"], row["network"], len(row["template"])) for row in rows} == {
        ("hopper", "sface", 128),
        ("obama", "sface", 128),
    }
    assert table.stat().st_mode & 0o077 == 0
    assert operator.told() == [
        ("bulk_plaintext", "3 items", "begun", {}),
        ("bulk_plaintext", "3 items", "done", {}),
    ]
    written = b"".join(it.read_bytes() for it in operator.data.glob("perse.db*"))
    vectors = parquet.read_table(table).column("template").to_numpy()
    assert not any(vector.tobytes()[:16] in written for vector in vectors)


@pytest.mark.shared
def test_people_move_to_another_pack_by_their_pictures(
    operator: Operator, pack_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (operator.data / "weights").unlink()
    shutil.copytree(pack_folders["standard"] / "weights", operator.data / "weights")
    shutil.copytree(
        pack_folders["compact"] / "weights", operator.data / "weights", dirs_exist_ok=True
    )
    operator.enrol(operator.people, "--pack", "compact")
    (old,) = set(operator.models("obama"))
    with pytest.raises(SetupError, match="PERSE_PREVIOUS_PACK"):
        operator.run("bulk", "move", str(operator.people), "--pack", "compact")
    monkeypatch.setenv("PERSE_PREVIOUS_PACK", "compact")
    first = operator.run("bulk", "move", str(operator.people), "--pack", "standard")
    assert "faces moved" in first.stderr
    lines = {it["file"]: it["code"] for it in map(json.loads, first.stdout.splitlines())}
    moved = operator.models("obama") + operator.models("hopper")
    assert lines["hopper/drawing.png"] == "no_face_detected"
    assert moved.count(old) == len(lines) - 1
    assert moved.count("sface") == 4 - len(lines) > 0
    again = operator.run("bulk", "move", str(operator.people), "--pack", "standard")
    assert "no faces moved" in again.stderr
    refused = {"refused": len(lines)}
    moves = [it for it in operator.told() if it[0] == "bulk_move"]
    assert moves == [
        ("bulk_move", "4 items", "begun", {}),
        ("bulk_move", "4 items", "done", {"moved": moved.count("sface"), **refused}),
        ("bulk_move", "4 items", "begun", {}),
        ("bulk_move", "4 items", "done", moves[-1][3]),
    ]
    assert moves[-1][3].get("moved", 0) == 0
    assert sorted(operator.models("obama") + operator.models("hopper")) == sorted(moved)


def test_a_cluster_that_is_not_installed_or_open_to_others_is_refused(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PerseError, match="RAY_USE_TLS"):
        operator.enrol(operator.people, "--ray", "127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PerseError, match=r"pip install 'perse\[cluster\]'"):
        operator.enrol(operator.people, "--ray", "127.0.0.1:1")
    assert operator.faces() == {}
